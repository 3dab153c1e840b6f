import type { Change, Kept } from "./reflector.ts";

/** Objects of a collection by something that they have. */
export interface Index<Object extends Kept> {
  apply(change: Change<Object>): void;
  all(key: string): Iterable<Object>;
  first(key: string): Object | undefined;
}

/** Keeps an index up to date with the changes of a reflector; objects whose key is empty are left out. */
export const createIndex = <Object extends Kept>(keyOf: (object: Object) => string): Index<Object> => {
  // Most groups hold one object, for which a list takes a fifth of a map's memory. A group is never changed in place.
  const groups = new Map<string, readonly Object[]>();

  const without = (key: string, { uid }: Object): readonly Object[] =>
    (groups.get(key) ?? []).filter((object) => object.uid !== uid);

  const remove = (object: Object): void => {
    const key = keyOf(object);
    const rest = without(key, object);
    if (rest.length === 0) groups.delete(key);
    else groups.set(key, rest);
  };

  const add = (object: Object): void => {
    const key = keyOf(object);
    if (key !== "") groups.set(key, [...without(key, object), object]);
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
    all: (key) => groups.get(key) ?? [],
    first: (key) => groups.get(key)?.[0],
  };
};
