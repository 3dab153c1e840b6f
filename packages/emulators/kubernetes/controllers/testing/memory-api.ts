import type {
  ApiAccess,
  ApiUsers,
  Clock,
  CollectionRef,
  DeleteRequest,
  KubernetesObject,
  ResourceRef,
  WatchEvent,
} from "../../ports.ts";
import { StatusError } from "../../ports.ts";
import { nameOf, timestamp, uidOf } from "../objects.ts";

/** The smallest API server that controllers can run on: no admission, no defaults, no history. */
export interface MemoryApi extends ApiUsers {
  /** Everything in a collection, as it is now. */
  all<T extends KubernetesObject>(resource: string): T[];
  /** Requests that were made, such as `create pods` or `patch nodes`. */
  requests: string[];
  /** Runs something once, after the next such request has been answered and before the caller goes on. */
  afterNext(request: string, run: () => void): void;
}

const DEFAULT_GRACE_SECONDS = 30;

function refuse(code: number, reason: string, message: string): StatusError {
  return new StatusError({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code, reason, message });
}

function pluralOf(kind: string): string {
  const lower = kind.toLowerCase();
  return lower.endsWith("s") ? lower : `${lower}s`;
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> =
    target !== null && typeof target === "object" && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

/** Makes an empty API server. All users are alike. */
export function createMemoryApi(clock: Clock): MemoryApi {
  const collections = new Map<string, Map<string, KubernetesObject>>();
  const watchers = new Map<string, Set<(event: WatchEvent) => void>>();
  const requests: string[] = [];
  const afterwards = new Map<string, () => void>();
  let version = 0;

  const collection = (resource: string) => {
    const found = collections.get(resource) ?? new Map<string, KubernetesObject>();
    collections.set(resource, found);
    return found;
  };
  const keyIn = ({ namespace, name }: { namespace?: string; name?: string }) => `${namespace ?? ""}/${name ?? ""}`;

  function find(ref: ResourceRef): KubernetesObject {
    const found = collection(ref.resource).get(keyIn(ref));
    if (found === undefined) throw refuse(404, "NotFound", `${ref.resource} "${ref.name}" not found`);
    return found;
  }

  function tell(resource: string, type: WatchEvent["type"], object: KubernetesObject): void {
    for (const watcher of watchers.get(resource) ?? []) watcher({ type, object });
  }

  function store(resource: string, type: "ADDED" | "MODIFIED", object: KubernetesObject): KubernetesObject {
    version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    collection(resource).set(keyIn(stored.metadata), stored);
    tell(resource, type, stored);
    return structuredClone(stored);
  }

  function remove(resource: string, object: KubernetesObject): void {
    collection(resource).delete(keyIn(object.metadata));
    tell(resource, "DELETED", object);
    for (const [owned, objects] of collections) {
      for (const dependent of [...objects.values()]) {
        const isOwned = dependent.metadata.ownerReferences?.some(({ uid }) => uid === uidOf(object));
        if (isOwned) end(owned, dependent, {});
      }
    }
  }

  function end(resource: string, object: KubernetesObject, options: DeleteRequest): void {
    const spec = object.spec as { nodeName?: string; terminationGracePeriodSeconds?: number } | undefined;
    const grace = options.gracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
    if (resource !== "pods" || spec?.nodeName === undefined || grace === 0) {
      remove(resource, object);
      return;
    }
    if (object.metadata.deletionTimestamp !== undefined) return;
    const deletionTimestamp = timestamp(clock.now() + grace * 1_000);
    const metadata = { ...object.metadata, deletionTimestamp, deletionGracePeriodSeconds: grace };
    store(resource, "MODIFIED", { ...object, metadata });
  }

  const access: ApiAccess = {
    async get(ref) {
      const request = `get ${ref.resource}`;
      requests.push(request);
      const found = structuredClone(find(ref));
      afterwards.get(request)?.();
      afterwards.delete(request);
      return found;
    },
    list: async ({ resource }) => ({ objects: [...collection(resource).values()], resourceVersion: String(version) }),
    async create(object, options = {}) {
      const resource = pluralOf(object.kind);
      requests.push(`create ${options.subresource ?? resource}`);
      if (options.subresource === "binding") {
        const { namespace = "", name = "" } = object.metadata;
        const pod = find({ group: "", resource: "pods", namespace, name });
        const { name: nodeName } = object.target as { name: string };
        return store("pods", "MODIFIED", { ...pod, spec: { ...(pod.spec as object), nodeName } });
      }
      version += 1;
      const name = object.metadata.name ?? `${object.metadata.generateName}${version}`;
      if (collection(resource).has(keyIn({ ...object.metadata, name }))) {
        throw refuse(409, "AlreadyExists", `${resource} "${name}" already exists`);
      }
      const made = { uid: `uid-${version}`, name, generation: 1, creationTimestamp: timestamp(clock.now()) };
      const { generateName: _prefix, ...metadata } = object.metadata;
      return store(resource, "ADDED", { ...structuredClone(object), metadata: { ...metadata, ...made } });
    },
    async update(object) {
      const resource = pluralOf(object.kind);
      requests.push(`update ${resource}`);
      const { namespace, name = "" } = object.metadata;
      const found = find({ group: "", resource, name, ...(namespace !== undefined && { namespace }) });
      return store(resource, "MODIFIED", {
        ...structuredClone(object),
        metadata: { ...found.metadata, ...object.metadata },
      });
    },
    async patch(ref, { body, subresource }) {
      requests.push(`patch ${ref.resource}`);
      const before = find(ref);
      const { resourceVersion } = (body as Partial<KubernetesObject>).metadata ?? {};
      if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
        throw refuse(409, "Conflict", "the object has been modified");
      }
      const after = mergePatch(before, structuredClone(body)) as KubernetesObject;
      const specChanged = subresource === undefined && JSON.stringify(before.spec) !== JSON.stringify(after.spec);
      const generation = (before.metadata.generation ?? 0) + (specChanged ? 1 : 0);
      return store(ref.resource, "MODIFIED", { ...after, metadata: { ...after.metadata, generation } });
    },
    async delete(ref, options = {}) {
      requests.push(`delete ${ref.resource}`);
      const found = find(ref);
      if (options.uid !== undefined && options.uid !== uidOf(found)) throw refuse(409, "Conflict", "the UID differs");
      end(ref.resource, found, options);
    },
    watch({ resource }: CollectionRef, listener) {
      const there = watchers.get(resource) ?? new Set();
      watchers.set(resource, there.add(listener));
      for (const object of collection(resource).values()) listener({ type: "ADDED", object });
      return () => void there.delete(listener);
    },
  };

  return {
    requests,
    afterNext: (request, run) => void afterwards.set(request, run),
    as: () => access,
    all: <T extends KubernetesObject>(resource: string) =>
      [...collection(resource).values()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)) as T[],
  };
}
