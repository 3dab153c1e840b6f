/** Tables of custom resources, from the printer columns of their definition. */

import type { KubernetesObject } from "../../ports.ts";
import { isObject } from "../json.ts";
import type { PrinterColumn } from "../resource-type.ts";
import { ageOf } from "../time.ts";
import { NAME } from "./cells.ts";
import type { Cell, Column } from "./columns.ts";
import { findByPath } from "./json-path.ts";

/** The columns, the name first. */
export function customColumns(columns: readonly PrinterColumn[]): Column[] {
  const own = columns.map((column) => ({
    name: column.name,
    type: column.type,
    format: column.format ?? "",
    priority: column.priority,
  }));
  return [NAME, ...own];
}

/** The cells of one object; a path that finds nothing leaves its cell empty. */
export function customCells(columns: readonly PrinterColumn[], object: KubernetesObject, nowMs: number): Cell[] {
  const cells = columns.map((column) => {
    const [found] = findByPath(object, column.jsonPath);
    return found === undefined ? null : cellOf(column.type, found, nowMs);
  });
  return [object.metadata.name ?? "", ...cells];
}

function cellOf(type: string, value: unknown, nowMs: number): Cell {
  switch (type) {
    case "integer":
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value === "string" ? ageOf(value, nowMs) : null;
    default:
      return Array.isArray(value) || isObject(value) ? JSON.stringify(value) : String(value);
  }
}
