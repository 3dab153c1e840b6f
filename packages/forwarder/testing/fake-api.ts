import type { ApiAnswer, ApiRequest, KubernetesApi, WatchListener } from "../ports/api.ts";

/** An object as tests write it. */
export interface FakeObject {
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    finalizers?: string[];
    deletionTimestamp?: string;
    [field: string]: unknown;
  };
  [field: string]: unknown;
}

interface Watcher {
  readonly path: string;
  readonly listener: WatchListener;
}

/** A small API server in memory, for tests of the forwarder's parts: lists, watches, creations and patches. */
export interface FakeApi extends KubernetesApi {
  /** Creates or replaces an object of a collection such as `/api/v1/pods`. */
  put(collection: string, object: FakeObject): FakeObject;
  remove(collection: string, name: string, change?: Partial<FakeObject>): void;
  get(collection: string, name: string): FakeObject | undefined;
  readonly requests: ApiRequest[];
  /** Answers the next requests that fit with this instead. */
  failNext(fits: (request: ApiRequest) => boolean, answer: ApiAnswer | Error, times?: number): void;
  /** Ends every watch; `status` as a refusal. */
  endWatches(status?: number): void;
  /** Tells every watch something that is no change. */
  tellWatches(type: string, object: unknown): void;
  readonly watchCount: number;
  /** Collections that the server does not know. */
  readonly missing: Set<string>;
  version: number;
}

const pathPattern = /^(\/apis\/[^/]+\/[^/]+|\/api\/v1)(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?/;

/** `/api/v1/namespaces/a/pods/b` is the object `b` of the collection `/api/v1/pods`, in the namespace `a`. */
const parse = (path: string): { collection: string; name: string; query: URLSearchParams; namespace: string } => {
  const url = new URL(path, "http://fake");
  const [, group, namespace = "", plural, name = ""] = pathPattern.exec(url.pathname) ?? [];
  return { collection: `${group}/${plural}`, name, query: url.searchParams, namespace };
};

const keyOf = (collection: string, name: string): string => `${collection} ${name}`;

const merge = (target: unknown, patch: unknown): unknown => {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const base: Record<string, unknown> =
    typeof target === "object" && target !== null ? { ...(target as Record<string, unknown>) } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete base[key];
    else base[key] = merge(base[key], value);
  }
  return base;
};

/** An API server takes a UID in a patch for a change of the UID. */
const refusedUid: ApiAnswer = {
  status: 422,
  body: {
    message: "metadata.uid: Invalid value: field is immutable",
    details: { causes: [{ reason: "FieldValueInvalid", field: "metadata.uid", message: "field is immutable" }] },
  },
};

/** Undefined when a test operation fails. */
const applyJsonPatch = (object: FakeObject, operations: readonly { op: string; path: string; value?: unknown }[]) => {
  const copy = structuredClone(object);
  for (const { op, path, value } of operations) {
    const steps = path
      .split("/")
      .slice(1)
      .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = steps.pop() ?? "";
    let target: Record<string, unknown> = copy;
    for (const step of steps) target = target[step] as Record<string, unknown>;
    if (op === "test" && target[last] !== value) return undefined;
    if (op === "add") target[last] = value;
  }
  return copy;
};

export const createFakeApi = (): FakeApi => {
  const objects = new Map<string, FakeObject>();
  const watchers = new Set<Watcher>();
  const failures: { fits: (request: ApiRequest) => boolean; answer: ApiAnswer | Error; times: number }[] = [];
  const requests: ApiRequest[] = [];
  const missing = new Set<string>();

  const tell = (collection: string, type: string, object: unknown): void => {
    for (const watcher of [...watchers]) {
      if (parse(watcher.path).collection === collection) watcher.listener.event(type, structuredClone(object));
    }
  };

  const api: FakeApi = {
    requests,
    missing,
    version: 100,
    get watchCount() {
      return watchers.size;
    },
    put: (collection, object) => {
      const key = keyOf(collection, object.metadata.name);
      const before = objects.get(key);
      api.version += 1;
      const stored: FakeObject = {
        ...structuredClone(object),
        metadata: {
          ...structuredClone(object.metadata),
          uid: object.metadata.uid ?? before?.metadata.uid ?? `uid-${object.metadata.name}`,
          resourceVersion: String(api.version),
        },
      };
      objects.set(key, stored);
      tell(collection, before === undefined ? "ADDED" : "MODIFIED", stored);
      return stored;
    },
    remove: (collection, name, change = {}) => {
      const key = keyOf(collection, name);
      const before = objects.get(key);
      if (before === undefined) return;
      api.version += 1;
      objects.delete(key);
      const metadata = { ...before.metadata, resourceVersion: String(api.version) };
      tell(collection, "DELETED", { ...before, ...change, metadata });
    },
    get: (collection, name) => objects.get(keyOf(collection, name)),
    failNext: (fits, answer, times = 1) => void failures.push({ fits, answer, times }),
    endWatches: (status) => {
      const all = [...watchers];
      watchers.clear();
      for (const watcher of all) watcher.listener.ended(status === undefined ? {} : { status });
    },
    tellWatches: (type, object) => {
      for (const watcher of [...watchers]) watcher.listener.event(type, object);
    },
    request: async (request) => {
      requests.push(request);
      const failure = failures.find(({ fits, times }) => times > 0 && fits(request));
      if (failure !== undefined) {
        failure.times -= 1;
        if (failure.answer instanceof Error) throw failure.answer;
        return failure.answer;
      }
      return answer(request);
    },
    watch: (path, listener) => {
      const watcher = { path, listener };
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
  };

  const answer = (request: ApiRequest): ApiAnswer => {
    const { collection, name, query, namespace } = parse(request.path);
    if (missing.has(collection)) return { status: 404, body: { message: "the server could not find the resource" } };
    if (request.method === "POST") {
      const object = request.body as FakeObject;
      if (api.get(collection, object.metadata.name) !== undefined) return { status: 409, body: { message: "exists" } };
      return { status: 201, body: api.put(collection, object) };
    }
    if (name === "") return list(collection, query, namespace);
    const object = api.get(collection, name);
    if (object === undefined) return { status: 404, body: { message: `"${name}" not found` } };
    if (request.method === "GET") return { status: 200, body: structuredClone(object) };
    if (request.method === "PUT") return replace(collection, object, request.body as FakeObject);
    return patch(collection, object, request);
  };

  const replace = (collection: string, object: FakeObject, next: FakeObject): ApiAnswer => {
    const { resourceVersion = object.metadata.resourceVersion } = next.metadata;
    if (resourceVersion === object.metadata.resourceVersion) return { status: 200, body: api.put(collection, next) };
    return { status: 409, body: { message: "the object has been modified" } };
  };

  const patch = (collection: string, object: FakeObject, request: ApiRequest): ApiAnswer => {
    if (request.contentType === "application/json-patch+json") {
      const patched = applyJsonPatch(object, request.body as { op: string; path: string; value?: unknown }[]);
      if (patched === undefined) return { status: 422, body: { message: "the server rejected our request" } };
      return { status: 200, body: api.put(collection, patched) };
    }
    const wanted = (request.body as Partial<FakeObject>).metadata;
    if (wanted?.resourceVersion !== undefined && wanted.resourceVersion !== object.metadata.resourceVersion) {
      return { status: 409, body: { message: "the object has been modified" } };
    }
    if (wanted?.uid !== undefined && wanted.uid !== object.metadata.uid) return refusedUid;
    return { status: 200, body: api.put(collection, merge(object, request.body) as FakeObject) };
  };

  const list = (collection: string, query: URLSearchParams, namespace: string): ApiAnswer => {
    const [field, value] = (query.get("fieldSelector") ?? "=").split("=");
    const found = [...objects.entries()]
      .filter(([key]) => key.startsWith(`${collection} `))
      .map(([, object]) => object)
      .filter((object) => namespace === "" || object.metadata.namespace === namespace)
      .filter((object) => field !== "metadata.name" || object.metadata.name === value)
      .filter((object) => field !== "spec.nodeName" || (object.spec as { nodeName?: string }).nodeName === value);
    const from = Number(query.get("continue") ?? 0);
    const page = found.slice(from, from + Number(query.get("limit") ?? found.length));
    const next = from + page.length < found.length ? String(from + page.length) : undefined;
    const metadata = { resourceVersion: String(api.version), ...(next === undefined ? {} : { continue: next }) };
    return { status: 200, body: { metadata, items: structuredClone(page) } };
  };

  return api;
};
