/**
 * What pods and nodes have in common here. Their size and shape are those that clusters really hold, and most of it the
 * forwarder never looks at: environment, volumes, probes, the fields that each manager owns, container states, images.
 */

/** A JSON object. */
export type Json = { readonly [field: string]: unknown };

/** When everything was last written. */
export const time = "2026-11-20T12:00:00Z";

/** A number written in hexadecimal digits, the same every time; what looks random in names, UIDs and hashes. */
export const digits = (seed: number, length: number): string => {
  let state = (seed * 2_654_435_761) >>> 0;
  let text = "";
  while (text.length < length) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    text += state.toString(16).padStart(8, "0");
  }
  return text.slice(0, length);
};

/** A UID. */
export const uuid = (seed: number): string =>
  [8, 4, 4, 4, 12].map((length, part) => digits(seed * 5 + part, length)).join("-");

/** The name of a node. */
export const nodeName = (index: number): string =>
  `ip-10-${(index >> 8) & 255}-${index & 255}-${(index * 7) & 255}.us-west-2.compute.internal`;

const owned = (manager: string, paths: readonly string[], subresource?: string): Json => ({
  manager,
  operation: "Update",
  apiVersion: "v1",
  time,
  fieldsType: "FieldsV1",
  fieldsV1: Object.fromEntries(paths.map((path) => [`f:${path}`, { ".": {}, "f:value": {}, 'k:{"name":"app"}': {} }])),
  ...(subresource === undefined ? {} : { subresource }),
});

/** Which manager owns what: a third of many objects. */
export const managedFields = (): readonly Json[] => [
  owned("kube-controller-manager", [
    ...["metadata", "annotations", "labels", "ownerReferences", "generateName", "spec", "affinity", "containers"],
    ...["env", "envFrom", "livenessProbe", "readinessProbe", "resources", "securityContext", "volumeMounts"],
    ...["dnsPolicy", "enableServiceLinks", "restartPolicy", "schedulerName", "tolerations", "volumes", "image"],
  ]),
  owned("vpc-resource-controller", ["metadata", "annotations", "vpc.amazonaws.com/pod-eni"]),
  owned(
    "kubelet",
    ["status", "conditions", "containerStatuses", "hostIP", "hostIPs", "phase", "podIP", "podIPs", "startTime"],
    "status",
  ),
];
