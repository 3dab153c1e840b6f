/**
 * Field selectors. Every type knows `metadata.name` and `metadata.namespace`; a few know more, and any other field is
 * refused as the API server refuses it.
 * See https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/#list-of-supported-fields.
 */

import type { KubernetesObject } from "../../ports.ts";
import { at } from "../json.ts";
import { badRequest, qualified } from "../statuses.ts";

/** Whether an object is chosen. */
export type FieldPredicate = (object: KubernetesObject) => boolean;

const COMMON = ["metadata.name", "metadata.namespace"];

const EVENT_FIELDS = [
  "involvedObject.kind",
  "involvedObject.namespace",
  "involvedObject.name",
  "involvedObject.uid",
  "involvedObject.apiVersion",
  "involvedObject.resourceVersion",
  "involvedObject.fieldPath",
  "reason",
  "reportingComponent",
  "source",
  "type",
];

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  pods: [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
  ],
  events: EVENT_FIELDS,
  nodes: ["spec.unschedulable"],
  namespaces: ["status.phase"],
  secrets: ["type"],
  jobs: ["status.successful"],
  replicasets: ["status.replicas"],
  services: ["spec.clusterIP", "spec.type"],
};

/** Parses `metadata.name=a,status.phase!=Running`; throws 400 for a field that the type does not offer. */
export function parseFieldSelector(
  text: string,
  type: { group: string; resource: string; selectableFields?: readonly string[] },
): FieldPredicate {
  const allowed = [...COMMON, ...(KNOWN[type.resource] ?? []), ...(type.selectableFields ?? [])];
  const terms = text
    .split(",")
    .filter((part) => part.trim() !== "")
    .map((part) => parseTerm(part, text));
  for (const { field } of terms) {
    if (!allowed.includes(field)) {
      throw badRequest(
        `Unable to find "${qualified(type)}" that match label selector "", field selector "${text}": ` +
          `field label not supported: ${field}`,
      );
    }
  }
  return (object) => terms.every(({ field, value, wanted }) => (fieldText(object, field) === value) === wanted);
}

/** The only `metadata.name` that a selector admits, or nothing when it names none or cannot be read. */
export function exactName(text: string): string | undefined {
  const terms = text.split(",").map((part) => TERM.exec(part));
  const exact = terms.find((term) => term?.[1] === "metadata.name" && term[2] !== "!=");
  if (terms.includes(null) || exact === undefined || exact === null) return undefined;
  return unescaped(exact[3] ?? "");
}

const TERM = /^\s*([^=!]+?)\s*(==|!=|=)\s*(.*?)\s*$/;

function parseTerm(part: string, whole: string): { field: string; value: string; wanted: boolean } {
  const match = TERM.exec(part);
  if (match === null) throw badRequest(`invalid selector: '${whole}'; can't understand '${part}'`);
  return { field: match[1] ?? "", value: unescaped(match[3] ?? ""), wanted: match[2] !== "!=" };
}

/** Selector values escape commas, equals signs and backslashes with a backslash. */
function unescaped(value: string): string {
  return value.replaceAll(/\\(.)/g, "$1");
}

function fieldText(object: KubernetesObject, field: string): string {
  if (field === "source") return String(at(object, "source", "component") ?? at(object, "reportingComponent") ?? "");
  if (field === "spec.hostNetwork" || field === "spec.unschedulable") {
    return String(at(object, ...field.split(".")) ?? false);
  }
  const value = at(object, ...field.split("."));
  return value === undefined || value === null ? "" : String(value);
}
