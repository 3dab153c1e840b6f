import { withoutVolatile } from "./volatile.ts";
import { readXml } from "./xml.ts";

/** JSON in any shape. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type JsonObject = { [name: string]: Json };

/** An answer's body, parsed: of JSON and XML a tree, of anything else its text. */
export function parseAnswer(contentType: string, body: string): Json {
  if (contentType.startsWith("application/json")) return JSON.parse(body) as Json;
  return contentType.startsWith("text/xml") ? readXml(body) : body;
}

/**
 * What two runs of the same request must have in common: what the client shows or goes by, without what differs from
 * run to run and in an order of its own.
 */
export function viewOf(answer: Json): Json {
  // A program says the same again and again; how often depends on the moment.
  if (typeof answer === "string") return [...new Set(withoutVolatile(answer).split("\n"))];
  if (!isObject(answer)) return plain(answer);
  if (answer.kind === "Table") return tableView(answer);
  if (answer.kind === "EventList") return { kind: "EventList", items: distinct(list(answer.items).map(eventView)) };
  if (typeof answer.kind === "string" && Array.isArray(answer.items))
    return { kind: answer.kind, items: sorted(answer.items.map(viewOf)) };
  return typeof answer.kind === "string" ? plain(answer) : unordered(plain(answer));
}

const trunkLabel = "vpc.amazonaws.com/has-trunk-attached";

/** What a client that waits for an object goes by: counts of a workload, readiness of a pod, trunk of a node. */
export function settledView(object: Json): Json {
  if (!isObject(object)) return null;
  const metadata = asObject(object.metadata);
  const status = asObject(object.status);
  const labels = asObject(metadata.labels);
  const counts = Object.entries(status).filter(
    ([name, value]) => typeof value === "number" && name !== "observedGeneration" && name !== "collisionCount",
  );
  const conditions = list(status.conditions)
    .map(asObject)
    .filter(({ type }) => type === "Ready");
  return {
    name: withoutVolatile(String(metadata.name)),
    seen: status.observedGeneration === undefined || status.observedGeneration === metadata.generation,
    ...Object.fromEntries(counts),
    ...(trunkLabel in labels ? { [trunkLabel]: labels[trunkLabel] ?? null } : {}),
    ...Object.fromEntries(conditions.map((condition) => [String(condition.type), condition.status ?? null])),
  };
}

const shownOfEvents = new Set(["Last Seen", "Type", "Reason", "Object", "Message"]);
const ages = new Set(["Age", "Last Seen", "First Seen", "Duration"]);

function tableView(table: JsonObject): Json {
  const names = list(table.columnDefinitions).map((column) => String(asObject(column).name));
  // An event's name, and how often it was seen, depend on the moment; each of them is there once.
  const isEvents = names.includes("Reason");
  const shown = names.map((name) => !isEvents || shownOfEvents.has(name));
  const rows = list(table.rows).map((row) =>
    list(asObject(row).cells)
      .map((cell, at) => (ages.has(names[at] ?? "") && cell !== null ? "<age>" : plain(cell)))
      .filter((_, at) => shown[at]),
  );
  const columns = names.filter((_, at) => shown[at]);
  return { kind: "Table", columns, rows: isEvents ? distinct(rows) : sorted(rows) };
}

function eventView(event: Json): Json {
  const { type, reason, message, source, reportingComponent, involvedObject } = asObject(event);
  const { kind, name } = asObject(involvedObject);
  const from = asObject(source).component ?? reportingComponent ?? "";
  return plain({
    ...{ type: type ?? "", reason: reason ?? "", message: message ?? "" },
    ...{ from, object: `${kind}/${name}` },
  });
}

/** Fields of which every object has its own, and which no client shows. */
const unseen = new Set([
  "managedFields",
  "resourceVersion",
  "observedGeneration",
  "generation",
  "requestId",
  "RequestID",
]);

function plain(value: Json): Json {
  if (typeof value === "string") return withoutVolatile(value);
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  if (value.key === "vpcresources.k8s.aws/vlan-id") return { ...value, value: "<vlan>" };
  const fields = Object.entries(value).filter(([name]) => !unseen.has(name));
  return Object.fromEntries(fields.map(([name, field]) => [withoutVolatile(name), fieldView(name, field)]));
}

/** Conditions stand in the order in which they first came about. */
function fieldView(name: string, field: Json): Json {
  const view = plain(field);
  return name === "conditions" && Array.isArray(view) ? sorted(view) : view;
}

/** EC2 promises no order in its lists. */
function unordered(value: Json): Json {
  if (Array.isArray(value)) return sorted(value.map(unordered));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, unordered(field)]));
}

/** The names of pods are made up, and so is their order. */
function sorted(values: readonly Json[]): Json[] {
  return values.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function distinct(values: readonly Json[]): Json[] {
  const byText = new Map(values.map((value) => [JSON.stringify(value), value]));
  return sorted([...byText.values()]);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asObject(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function list(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}
