/**
 * What the parts of the Kubernetes emulator agree on: the shape of an object, the clock, and the in-process access to
 * the API server that the controllers use. The access has the semantics of the HTTP interface without its wire.
 */

/** Time comes in from outside, so that the same code runs in real and in virtual time. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Runs `run` once, `delayMs` milliseconds from now; the returned function cancels it. */
  schedule(delayMs: number, run: () => void): () => void;
}

/** A number in [0, 1). */
export type Random = () => number;

/** See https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** Which fields a field manager owns, as server-side apply and `kubectl --show-managed-fields` see it. */
export interface ManagedFieldsEntry {
  manager: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  time?: string;
  fieldsType: "FieldsV1";
  fieldsV1: Record<string, unknown>;
  subresource?: string;
}

/** See https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/. */
export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: ManagedFieldsEntry[];
}

/** Any object of the API. Fields beyond the common ones are read through the caller's own, narrower view. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** A collection, such as `{ group: "apps", resource: "deployments", namespace: "default" }`; no namespace means all. */
export interface CollectionRef {
  /** The API group; `""` is the core group. */
  group: string;
  version?: string;
  /** The plural, lower-case name. */
  resource: string;
  namespace?: string;
}

/** One object of a collection. */
export interface ResourceRef extends CollectionRef {
  name: string;
}

/** A patch as its media type says. `body` is an array for `json`, an object otherwise. */
export interface PatchRequest {
  type: "merge" | "strategic" | "json" | "apply";
  body: unknown;
  subresource?: string;
  /** Needed by `apply`; named in `managedFields`. */
  fieldManager?: string;
  /** `apply` takes fields that another manager owns. */
  force?: boolean;
}

/** How to delete. Without a grace period the object's own (a pod's `terminationGracePeriodSeconds`) applies. */
export interface DeleteRequest {
  gracePeriodSeconds?: number;
  /** Precondition: delete only the object with this UID (else 409 Conflict). */
  uid?: string;
  resourceVersion?: string;
  propagationPolicy?: "Background" | "Foreground" | "Orphan";
}

/** What a list is narrowed to, in the notation of `kubectl -l` and `--field-selector`. */
export interface ListRequest {
  labelSelector?: string;
  fieldSelector?: string;
}

/** A list and the version of the whole store at which it was taken. */
export interface ObjectList {
  objects: KubernetesObject[];
  resourceVersion: string;
}

/** One change, as a watch tells it. For `DELETED` the object is its last state. */
export interface WatchEvent {
  type: "ADDED" | "MODIFIED" | "DELETED";
  object: KubernetesObject;
}

/** See https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/. */
export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: { continue?: string; remainingItemCount?: number };
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code?: number;
}

/** What a `Status` says beyond its message. */
export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: { reason?: string; message: string; field?: string }[];
  retryAfterSeconds?: number;
}

/** What every refused request rejects with. `message` is the text that kubectl prints. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: Status;

  constructor(status: Status) {
    super(status.message ?? status.reason ?? "unknown error");
    this.status = status;
  }

  /** The HTTP status code. */
  get code(): number {
    return this.status.code ?? 500;
  }

  /** The machine-readable reason, such as `NotFound`, `AlreadyExists` or `Conflict`. */
  get reason(): string {
    return this.status.reason ?? "Unknown";
  }
}

/** Whether `error` is a refusal of the API server, optionally with this reason. */
export function isStatusError(error: unknown, reason?: string): error is StatusError {
  return error instanceof StatusError && (reason === undefined || error.reason === reason);
}

/**
 * In-process access for one user, with the semantics of HTTP: validation, defaults, admission, conflicts, finalizers.
 * Answers are copies that the caller may change. Every refusal rejects with a {@link StatusError}.
 */
export interface ApiAccess {
  get(ref: ResourceRef): Promise<KubernetesObject>;
  list(collection: CollectionRef, options?: ListRequest): Promise<ObjectList>;
  /**
   * Creates `object` in the collection that its `apiVersion` and `kind` name. With `subresource` (`binding`,
   * `eviction`), `metadata.name` and `metadata.namespace` name the pod.
   */
  create(object: KubernetesObject, options?: { subresource?: string }): Promise<KubernetesObject>;
  /** Replaces the object; with `metadata.resourceVersion`, only that version. `subresource` may be `status`. */
  update(object: KubernetesObject, options?: { subresource?: string }): Promise<KubernetesObject>;
  patch(ref: ResourceRef, patch: PatchRequest): Promise<KubernetesObject>;
  /** Resolves when the deletion is accepted; a pod with a grace period or an object with finalizers lives on. */
  delete(ref: ResourceRef, options?: DeleteRequest): Promise<void>;
  /**
   * Tells the listener, in order and synchronously after each change, first an `ADDED` for everything that exists
   * and then every change, until the returned function is called. The object is shared: the listener must not change
   * it, and must not throw.
   */
  watch(collection: CollectionRef, listener: (event: WatchEvent) => void, options?: ListRequest): () => void;
}

/** Makes an access for a user, such as `system:kube-scheduler` or `system:serviceaccount:kube-system:aws-node`. */
export interface ApiUsers {
  as(user: string): ApiAccess;
}

/** Where a container's log lines come from; `undefined` when the kubelet knows no such container yet. */
export interface LogSource {
  lines(namespace: string, pod: string, container: string): string[] | undefined;
  /** Tells each later line until the returned function is called. */
  follow?(namespace: string, pod: string, container: string, listener: (line: string) => void): () => void;
}
