/**
 * The admission plugins that are compiled into the API server and that a pod's life depends on.
 * See https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/.
 */

import type { KubernetesObject } from "../../ports.ts";
import { type JsonObject, objectIn, objectsAt, setDefault, stringAt } from "../json.ts";
import { allContainers } from "../kinds/pod-defaults.ts";
import type { AdmissionRequest, ApiState } from "../requests/context.ts";
import { randomSuffix } from "../requests/identity.ts";
import { forbidden, notFound, type Subject } from "../statuses.ts";

const ACCOUNT_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
/** One hour and seven seconds, so that the kubelet's tokens can be told from others. */
const TOKEN_SECONDS = 3_607;
const TOLERATION_SECONDS = 300;

/** Priorities that every cluster has, see https://kubernetes.io/docs/tasks/administer-cluster/guaranteed-scheduling-critical-addon-pods/. */
export const SYSTEM_PRIORITIES: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};

function subjectOf(request: AdmissionRequest): Subject {
  return { group: request.type.group, resource: request.type.resource, name: request.name };
}

/** Refuses new objects in a namespace that does not exist or is on its way out. */
export function checkNamespace(state: ApiState, request: AdmissionRequest): void {
  const { namespace } = request;
  if (request.operation !== "CREATE" || !request.type.namespaced || namespace === undefined) return;
  const found = state.store.get("/namespaces", undefined, namespace);
  if (found === undefined) throw notFound({ group: "", resource: "namespaces", name: namespace });
  if (found.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const refusal = forbidden(subjectOf(request), why);
  const cause = {
    reason: "NamespaceTerminating",
    message: `namespace ${namespace} is being terminated`,
    field: "metadata.namespace",
  };
  refusal.status.details = { ...refusal.status.details, causes: [cause] };
  throw refusal;
}

/** The namespaces that a cluster cannot be without. */
export function checkDeletion(request: AdmissionRequest): void {
  if (request.operation !== "DELETE" || request.type.collection !== "/namespaces") return;
  if (["default", "kube-system", "kube-public"].includes(request.name)) {
    throw forbidden(subjectOf(request), "this namespace may not be deleted");
  }
}

/** Gives a new pod its service account, tolerations and priority, in place. */
export function completePod(state: ApiState, request: AdmissionRequest, pod: KubernetesObject): void {
  const spec = objectIn(pod, "spec");
  giveServiceAccount(state, request, spec);
  givePriority(state, request, spec);
  giveTolerations(spec);
}

function giveServiceAccount(state: ApiState, request: AdmissionRequest, spec: JsonObject): void {
  const account = stringAt(spec, "serviceAccountName") ?? "default";
  Object.assign(spec, { serviceAccountName: account, serviceAccount: account });
  const found = state.store.get("/serviceaccounts", request.namespace, account);
  if (found === undefined) {
    const why = `error looking up service account ${request.namespace}/${account}: serviceaccount "${account}" not found`;
    throw forbidden(subjectOf(request), why);
  }
  const wanted = spec.automountServiceAccountToken ?? found.automountServiceAccountToken ?? true;
  if (wanted === true) mountToken(state, spec);
}

function mountToken(state: ApiState, spec: JsonObject): void {
  const lacking = allContainers(spec).filter(
    (container) => !objectsAt(container, "volumeMounts").some((mount) => mount.mountPath === ACCOUNT_MOUNT),
  );
  if (lacking.length === 0) return;
  const name = `kube-api-access-${randomSuffix(state.random)}`;
  for (const container of lacking) {
    const mounts = objectsAt(container, "volumeMounts");
    container.volumeMounts = [...mounts, { name, readOnly: true, mountPath: ACCOUNT_MOUNT }];
  }
  const namespaceField = { path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } };
  const sources = [
    { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: "token" } },
    { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
    { downwardAPI: { items: [namespaceField] } },
  ];
  spec.volumes = [...objectsAt(spec, "volumes"), { name, projected: { sources, defaultMode: 0o644 } }];
}

function givePriority(state: ApiState, request: AdmissionRequest, spec: JsonObject): void {
  const name = stringAt(spec, "priorityClassName") ?? "";
  if (name === "") {
    setDefault(spec, "priority", 0);
    setDefault(spec, "preemptionPolicy", "PreemptLowerPriority");
    return;
  }
  const found = state.store.get("scheduling.k8s.io/priorityclasses", undefined, name);
  if (found === undefined) throw forbidden(subjectOf(request), `no PriorityClass with name ${name} was found`);
  spec.priority = found.value;
  setDefault(spec, "preemptionPolicy", found.preemptionPolicy ?? "PreemptLowerPriority");
}

/** A pod stays for five minutes on a node that is lost, unless it says otherwise. */
function giveTolerations(spec: JsonObject): void {
  const held = objectsAt(spec, "tolerations");
  const missing = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"].filter(
    (key) =>
      !held.some(
        (toleration) =>
          (toleration.key === key || (toleration.key ?? "") === "") &&
          (toleration.effect === "NoExecute" || (toleration.effect ?? "") === ""),
      ),
  );
  const added = missing.map((key) => ({
    key,
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: TOLERATION_SECONDS,
  }));
  if (added.length > 0) spec.tolerations = [...held, ...added];
}
