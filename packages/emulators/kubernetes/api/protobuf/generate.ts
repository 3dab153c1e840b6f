/**
 * Writes `fields.ts` from the Go sources of the API, whose struct tags say each field's number and JSON name:
 *
 *     node generate.ts <checkout of kubernetes/api> <checkout of kubernetes/apimachinery>
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PACKAGES = [
  "apps/v1",
  "authentication/v1",
  "authorization/v1",
  "batch/v1",
  "coordination/v1",
  "core/v1",
  "discovery/v1",
  "events/v1",
  "networking/v1",
  "policy/v1",
  "rbac/v1",
  "scheduling/v1",
];

/** The kinds that clients send, with everything that they hold. */
const ROOTS = [
  ...[
    "ConfigMap",
    "Secret",
    "ServiceAccount",
    "Service",
    "Namespace",
    "Pod",
    "Node",
    "Binding",
    "Event",
    "Endpoints",
  ].map((kind) => `core.${kind}`),
  ...["Deployment", "DaemonSet", "StatefulSet", "ReplicaSet"].map((kind) => `apps.${kind}`),
  ...["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"].map((kind) => `rbac.${kind}`),
  ...["SelfSubjectAccessReview", "SelfSubjectRulesReview"].map((kind) => `authorization.${kind}`),
  ...["TokenRequest", "SelfSubjectReview"].map((kind) => `authentication.${kind}`),
  ...["Eviction", "PodDisruptionBudget"].map((kind) => `policy.${kind}`),
  "batch.Job",
  "coordination.Lease",
  "discovery.EndpointSlice",
  "events.Event",
  "networking.NetworkPolicy",
  "scheduling.PriorityClass",
  "meta.DeleteOptions",
];

/** Types of other packages that have a form of their own on the wire. */
const SPECIAL: Record<string, string> = {
  "resource.Quantity": "Quantity",
  "intstr.IntOrString": "IntOrString",
  "runtime.RawExtension": "Raw",
  "meta.Time": "Time",
  "meta.MicroTime": "Time",
  "meta.FieldsV1": "Raw",
  "types.UID": "s",
};

const SCALARS: Record<string, string> = {
  string: "s",
  bool: "b",
  int: "i",
  int32: "i",
  int64: "i",
  uint16: "i",
  byte: "i",
  float64: "f",
};

const structs = new Map<string, { body: string; prefix: string }>();
const aliases = new Map<string, string>();

function read(path: string, prefix: string): void {
  const source = readFileSync(path, "utf8");
  for (const [, name, body = ""] of source.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
    structs.set(`${prefix}.${name}`, { body, prefix });
  }
  for (const [, name, target = ""] of source.matchAll(/^type (\w+) ([\w.[\]*]+)$/gm)) {
    aliases.set(`${prefix}.${name}`, named(target, prefix));
  }
}

/** The full name of a type as a package writes it, with its list, map and pointer marks. */
function named(type: string, prefix: string): string {
  if (type.startsWith("*")) return `*${named(type.slice(1), prefix)}`;
  if (type === "[]byte") return "B";
  if (type.startsWith("[]")) return `[]${named(type.slice(2), prefix)}`;
  const map = /^map\[[\w.]+\](.+)$/.exec(type);
  if (map !== null) return `{}${named(map[1] ?? "", prefix)}`;
  if (SCALARS[type] !== undefined) return SCALARS[type];
  const imported = type.replace(/^metav1\./, "meta.").replace(/^(core|api)?v1\./, "core.");
  const full = imported.includes(".") ? imported : `${prefix}.${type}`;
  return SPECIAL[full] ?? full;
}

/** Follows names of strings, lists and maps to what they stand for. */
function resolved(type: string): string {
  const [, marks = "", name = ""] = /^((?:\*|\[\]|\{\})*)(.*)$/.exec(type) ?? [];
  const target = aliases.get(name);
  return target === undefined ? type : `${marks}${resolved(target)}`;
}

const FIELD = /^\t(?:(\w+) )?([\w.[\]*]+) +`json:"([^",]*)[^"]*"[^`]* ?protobuf:"\w+,(\d+),/gm;

function fieldsOf(name: string): string[] {
  const { body, prefix } = structs.get(name) ?? { body: "", prefix: "" };
  return [...body.matchAll(FIELD)].flatMap(([, , type = "", json, number]) => {
    const full = resolved(named(type, prefix));
    return isKnown(full) ? [`${number}:${json}:${full}`] : [];
  });
}

/** Fields of alpha types are left out with their packages. */
function isKnown(type: string): boolean {
  const name = type.replace(/^(\*|\[\]|\{\})*/, "");
  return !name.includes(".") || structs.has(name);
}

const [api = "", machinery = ""] = process.argv.slice(2);
for (const path of PACKAGES) read(join(api, path, "types.go"), path.split("/")[0] ?? "");
read(join(machinery, "pkg/apis/meta/v1/types.go"), "meta");

const messages = new Map<string, string[]>();
const waiting = [...ROOTS];
for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
  if (messages.has(name) || !structs.has(name)) continue;
  const fields = fieldsOf(name);
  messages.set(name, fields);
  for (const field of fields) waiting.push((field.split(":")[2] ?? "").replace(/^(\*|\[\]|\{\})*/, ""));
}
const lines = [...messages]
  .toSorted(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, fields]) => `  "${name}": "${fields.join(" ")}",`);
writeFileSync(
  join(import.meta.dirname, "fields.ts"),
  `/**
 * The fields of the API's messages on the wire, written by \`generate.ts\` from https://github.com/kubernetes/api.
 *
 * A field is its number, its JSON name (none when its fields stand in the message around it) and its type: \`s\` a string,
 * \`i\` a whole number, \`b\` a truth value, \`f\` a fraction, \`B\` bytes, or a message; \`*\` may be absent, \`[]\` list, \`{}\` map.
 */
// biome-ignore format: one line a message
export const MESSAGE_FIELDS: Readonly<Record<string, string>> = {
${lines.join("\n")}
};
`,
);
