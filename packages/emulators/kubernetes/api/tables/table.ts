/**
 * Tables: what `kubectl get` prints.
 * See https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables.
 */

import type { KubernetesObject } from "../../ports.ts";
import type { JsonObject } from "../json.ts";
import type { ResourceType } from "../resource-type.ts";
import { apiVersionOf } from "../resource-type.ts";
import { ageOf } from "../time.ts";
import { clusterTables } from "./cluster.ts";
import type { TableOf } from "./columns.ts";
import { customCells, customColumns } from "./custom-columns.ts";
import { extensionTables } from "./extensions.ts";
import { podTable } from "./pods.ts";
import { workloadTables } from "./workloads.ts";

/** What rows carry beside their cells. */
export type IncludeObject = "None" | "Metadata" | "Object";

const TABLES: Readonly<Record<string, TableOf>> = {
  "/pods": podTable,
  ...clusterTables,
  ...workloadTables,
  ...extensionTables,
};

const PLAIN: TableOf = {
  columns: [{ name: "Name", format: "name" }, { name: "Age" }],
  cells: (object, nowMs) => [object.metadata.name ?? "", ageOf(object.metadata.creationTimestamp, nowMs)],
};

function tableOf(type: ResourceType): TableOf {
  const { custom } = type;
  if (custom === undefined) return TABLES[type.collection] ?? PLAIN;
  return {
    columns: customColumns(custom.columns),
    cells: (object, nowMs) => customCells(custom.columns, object, nowMs),
  };
}

/** The objects as a `Table`; `metadata` is that of the list, or of the one object. */
export function asTable(
  type: ResourceType,
  objects: readonly KubernetesObject[],
  options: { metadata: JsonObject; include: IncludeObject; nowMs: number; columns: boolean },
): JsonObject {
  const table = tableOf(type);
  const definitions = table.columns.map((column) => ({
    name: column.name,
    type: column.type ?? "string",
    format: column.format ?? "",
    description: "",
    priority: column.priority ?? 0,
  }));
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: options.metadata,
    columnDefinitions: options.columns ? definitions : [],
    rows: objects.map((object) => ({
      cells: table.cells(object, options.nowMs),
      ...included(type, object, options.include),
    })),
  };
}

function included(type: ResourceType, object: KubernetesObject, include: IncludeObject): JsonObject {
  if (include === "None") return {};
  if (include === "Object") return { object: { ...object, apiVersion: apiVersionOf(type), kind: type.kind } };
  return { object: partialMetadata(object) };
}

/** The object without everything but its metadata. */
export function partialMetadata(object: KubernetesObject): JsonObject {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}
