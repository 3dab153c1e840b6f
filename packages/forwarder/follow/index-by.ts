import type { Change, Kept } from "./reflector.ts";

/** Objects of a collection by something that they have. */
export interface Index<Object extends Kept> {
  apply(change: Change<Object>): void;
  all(key: string): Iterable<Object>;
  first(key: string): Object | undefined;
}

/** Keeps an index up to date with the changes of a reflector; objects whose key is empty are left out. */
export const createIndex = <Object extends Kept>(keyOf: (object: Object) => string): Index<Object> => {
  const groups = new Map<string, Map<string, Object>>();

  const remove = (object: Object): void => {
    const key = keyOf(object);
    const group = groups.get(key);
    group?.delete(object.uid);
    if (group?.size === 0) groups.delete(key);
  };

  const add = (object: Object): void => {
    const key = keyOf(object);
    if (key === "") return;
    const group = groups.get(key) ?? new Map<string, Object>();
    group.set(object.uid, object);
    groups.set(key, group);
  };

  return {
    apply: (change) => {
      if (change.type === "gone") {
        remove(change.object);
        return;
      }
      if (change.previous !== undefined) remove(change.previous);
      add(change.object);
    },
    all: (key) => groups.get(key)?.values() ?? [],
    first: (key) => groups.get(key)?.values().next().value,
  };
};
