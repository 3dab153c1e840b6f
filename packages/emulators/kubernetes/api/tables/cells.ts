/** Cells that several tables share. */

import type { KubernetesObject } from "../../ports.ts";
import { objectsAt, stringAt } from "../json.ts";
import { ageOf } from "../time.ts";
import type { Column } from "./columns.ts";

/** The first column of every table. */
export const NAME: Column = { name: "Name", format: "name" };
/** How long ago the object was created. */
export const AGE: Column = { name: "Age" };

/** A column that only `-o wide` shows. */
export function wide(name: string): Column {
  return { name, priority: 1 };
}

/** The cell of {@link NAME}. */
export function nameCell(object: KubernetesObject): string {
  return object.metadata.name ?? "";
}

/** The cell of {@link AGE}. */
export function ageCell(object: KubernetesObject, nowMs: number): string {
  return ageOf(object.metadata.creationTimestamp, nowMs);
}

/** The names and images of a template's containers, as the wide columns show them. */
export function containerCells(object: KubernetesObject): [string, string] {
  const containers = objectsAt(object, "spec", "template", "spec", "containers");
  const column = (field: string) => containers.map((container) => stringAt(container, field) ?? "").join(",");
  return [column("name"), column("image")];
}

/** A map of labels as `a=b,c=d`; `<none>` when it is empty. */
export function labelCell(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return parts.length === 0 ? "<none>" : parts.toSorted().join(",");
}

/** The text, or `<none>`. */
export function orNone(text: string | undefined): string {
  return text === undefined || text === "" ? "<none>" : text;
}
