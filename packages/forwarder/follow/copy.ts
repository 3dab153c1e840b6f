/** What every kept object has. */
export interface Kept {
  readonly uid: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
}

/** What has changed in the copy. `gone` carries the last state and the version at which the object was known to be gone. */
export type Change<Object extends Kept> =
  | { readonly type: "seen"; readonly object: Object; readonly previous?: Object | undefined }
  | {
      readonly type: "gone";
      readonly object: Object;
      readonly how: "deleted" | "absent-from-list";
      readonly version: string;
    };

export interface CopyOptions<Object extends Kept> {
  /** What is kept of an object; throws when it cannot be read. */
  readonly project: (raw: unknown) => Object;
  /** Called after the copy has changed. */
  readonly onChange: (change: Change<Object>) => void;
  /** An object that cannot be read stays as it was known before, or unknown; it stops nothing. */
  readonly onUnreadable: (name: string, problem: unknown) => void;
}

/** What an event of a watch says about the watch itself. */
export type Taken =
  /** It goes on, from this version if it breaks. */
  | { readonly type: "version"; readonly version: string }
  /** Its version is forgotten. */
  | { readonly type: "expired" }
  /** It cannot be relied on. */
  | { readonly type: "garbled"; readonly problem: string };

/**
 * The objects of a collection as they were last told. Versions are compared for equality only, which every Kubernetes allows;
 * their order is promised since 1.35, between objects of one type.
 *
 * @see https://www.kubernetes.dev/resources/keps/5504/
 */
export interface Copy<Object extends Kept> {
  /** Reads an object of a list; one that has not changed is the known one, so that it is kept once. */
  read(raw: unknown): Object | undefined;
  /** Takes a whole list. */
  replace(listed: readonly Object[], listVersion: string): void;
  /** Takes one event of a watch. */
  take(type: string, raw: unknown): Taken;
  get(namespace: string, name: string): Object | undefined;
  values(): IterableIterator<Object>;
  /** How many objects it holds. */
  size(): number;
}

interface RawMetadata {
  readonly uid?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly resourceVersion?: string;
}

const goneCode = 410;

export const createCopy = <Object extends Kept>({ project, onChange, onUnreadable }: CopyOptions<Object>) => {
  const objects = new Map<string, Object>();

  const read = (raw: unknown): Object | undefined => {
    const metadata = metadataOf(raw);
    const known = objects.get(keyOf(metadata));
    if (known !== undefined && known.uid === metadata.uid && known.resourceVersion === metadata.resourceVersion)
      return known;
    try {
      return project(raw);
    } catch (problem) {
      onUnreadable(keyOf(metadata), problem);
      return known;
    }
  };

  /** An object that was replaced under its name is gone first, and then another one is seen. */
  const see = (object: Object): void => {
    const key = keyOf(object);
    const previous = objects.get(key);
    objects.set(key, object);
    if (previous !== undefined && previous.uid !== object.uid) {
      onChange({ type: "gone", object: previous, how: "absent-from-list", version: object.resourceVersion });
      onChange({ type: "seen", object });
    } else if (previous?.resourceVersion !== object.resourceVersion) {
      onChange({ type: "seen", object, previous });
    }
  };

  const forget = (raw: unknown, version: string): void => {
    const metadata = metadataOf(raw);
    const key = keyOf(metadata);
    const known = objects.get(key);
    if (known === undefined || known.uid !== metadata.uid) return;
    objects.delete(key);
    onChange({ type: "gone", object: read(raw) ?? known, how: "deleted", version });
  };

  const take = (type: string, raw: unknown): Taken => {
    if (type === "ERROR") return errorOf(raw);
    const { resourceVersion: version } = metadataOf(raw);
    // "0" would let the next watch begin anywhere.
    if (!version || version === "0") return { type: "garbled", problem: `an event ${type} without a resourceVersion` };
    switch (type) {
      case "ADDED":
      case "MODIFIED": {
        const object = read(raw);
        if (object !== undefined) see(object);
        break;
      }
      case "DELETED":
        forget(raw, version);
        break;
      case "BOOKMARK":
        break;
      default:
        return { type: "garbled", problem: `an event of the unknown type ${type.slice(0, 40)}` };
    }
    return { type: "version", version };
  };

  const copy: Copy<Object> = {
    read,
    replace: (listed, listVersion) => {
      const kept = new Set(listed.map(keyOf));
      for (const [key, object] of [...objects]) {
        if (kept.has(key)) continue;
        objects.delete(key);
        onChange({ type: "gone", object, how: "absent-from-list", version: listVersion });
      }
      for (const object of listed) see(object);
    },
    take,
    get: (namespace, name) => objects.get(`${namespace}/${name}`),
    values: () => objects.values(),
    size: () => objects.size,
  };
  return copy;
};

/** A watch tells a `Status` when it cannot go on. */
const errorOf = (raw: unknown): Taken => {
  const { code, message } = (raw ?? {}) as { code?: unknown; message?: unknown };
  if (code === goneCode) return { type: "expired" };
  return { type: "garbled", problem: `an error: ${String(message ?? "without a message").slice(0, 300)}` };
};

const metadataOf = (raw: unknown): RawMetadata => (raw as { metadata?: RawMetadata } | null)?.metadata ?? {};

const keyOf = ({ namespace, name }: RawMetadata): string => `${namespace ?? ""}/${name ?? ""}`;
