/**
 * Which events the API server takes: loose rules for core events without `eventTime`, more for those with one, and
 * strict ones through the group `events.k8s.io`.
 * See https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/validation/events.go.
 */

import type { KubernetesObject } from "../../ports.ts";
import { equal, numberAt, objectAt, objectIn, setDefault, stringAt } from "../json.ts";
import type { KindRules } from "../resource-type.ts";
import { type FieldProblem, invalidValue, required } from "../statuses.ts";
import { validateQualifiedName } from "./metadata-validation.ts";

const NAME_CHARACTERS_MAX = 128;
const MESSAGE_CHARACTERS_MAX = 1_024;
/** The smallest number of repeats that makes a series. */
const SERIES_COUNT_MIN = 2;

/** Core events. The fields that the older type always writes are filled in; a type is not among them. */
export const eventRules: KindRules = {
  setDefaults: (event) => {
    objectIn(event, "involvedObject");
    objectIn(event, "source");
    setDefault(event, "reportingComponent", "");
    setDefault(event, "reportingInstance", "");
  },
  validate: (event) => (text(event, "eventTime") === "" ? validateNamespace(event) : validateTimed(event)),
};

function text(event: KubernetesObject, ...path: string[]): string {
  return stringAt(event, ...path) ?? "";
}

function wrongNamespace(namespace: string): FieldProblem {
  return invalidValue("involvedObject.namespace", namespace, "does not match event.namespace");
}

/** An event stands in its object's namespace, and in `default` when the object has none. */
function validateNamespace(event: KubernetesObject): FieldProblem[] {
  const about = text(event, "involvedObject", "namespace");
  return (about === "" ? "default" : about) === event.metadata.namespace ? [] : [wrongNamespace(about)];
}

function validateTimed(event: KubernetesObject): FieldProblem[] {
  const about = text(event, "involvedObject", "namespace");
  const inClusterNamespace = event.metadata.namespace === "default" || event.metadata.namespace === "kube-system";
  const controller = text(event, "reportingComponent");
  return [
    ...(about === "" && !inClusterNamespace ? [wrongNamespace(about)] : []),
    ...(controller === "" ? [required("reportingController")] : []),
    ...validateQualifiedName(controller, "reportingController"),
    ...requiredText(event, "reportingInstance"),
    ...requiredText(event, "action"),
    ...requiredText(event, "reason"),
    ...atMost(event, "message", MESSAGE_CHARACTERS_MAX),
  ];
}

function requiredText(event: KubernetesObject, field: string): FieldProblem[] {
  return text(event, field) === "" ? [required(field)] : atMost(event, field, NAME_CHARACTERS_MAX);
}

/** The limits count bytes, as Go's `len` does. */
function atMost(event: KubernetesObject, field: string, max: number): FieldProblem[] {
  if (Buffer.byteLength(text(event, field)) <= max) return [];
  return [invalidValue(field, "", `can have at most ${max} characters`)];
}

/** What is wrong, beyond {@link eventRules}, with an event that is created through `events.k8s.io/v1`. */
export function validateStrictly(event: KubernetesObject): FieldProblem[] {
  const type = text(event, "type");
  const unset = (field: string, isSet: boolean) => (isSet ? [invalidValue(field, "", "needs to be unset")] : []);
  return [
    ...validateSeries(event),
    ...(text(event, "eventTime") === "" ? [required("eventTime")] : []),
    ...(type === "Normal" || type === "Warning" ? [] : [invalidValue("type", "", `has invalid value: ${type}`)]),
    ...unset("firstTimestamp", text(event, "firstTimestamp") !== ""),
    ...unset("lastTimestamp", text(event, "lastTimestamp") !== ""),
    ...unset("count", (numberAt(event, "count") ?? 0) !== 0),
    ...unset("source", text(event, "source", "component") !== "" || text(event, "source", "host") !== ""),
  ];
}

/** Everything but the series, in the words of the stored event, with the name that a refusal gives to the field. */
const FIXED: readonly (readonly [string, string])[] = [
  ["involvedObject", "involvedObject"],
  ["reason", "reason"],
  ["message", "message"],
  ["source", "source"],
  ["firstTimestamp", "firstTimestamp"],
  ["lastTimestamp", "lastTimestamp"],
  ["count", "count"],
  ["type", "type"],
  ["eventTime", "eventTime"],
  ["action", "action"],
  ["related", "related"],
  ["reportingComponent", "reportingController"],
  ["reportingInstance", "reportingInstance"],
];

/** What is wrong, beyond {@link eventRules}, with a change through `events.k8s.io/v1`: only the series may change. */
export function validateStrictUpdate(next: KubernetesObject, old: KubernetesObject): FieldProblem[] {
  const changed = FIXED.filter(([field]) => !equal(next[field], old[field]));
  return [
    ...(equal(next.series, old.series) ? [] : validateSeries(next)),
    ...changed.map(([field, shown]) => invalidValue(shown, next[field] ?? "", "field is immutable")),
  ];
}

function validateSeries(event: KubernetesObject): FieldProblem[] {
  if (objectAt(event, "series") === undefined) return [];
  const count = numberAt(event, "series", "count") ?? 0;
  return [
    ...(count < SERIES_COUNT_MIN ? [invalidValue("series.count", "", `should be at least ${SERIES_COUNT_MIN}`)] : []),
    ...(text(event, "series", "lastObservedTime") === "" ? [required("series.lastObservedTime")] : []),
  ];
}
