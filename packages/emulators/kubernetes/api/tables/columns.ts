import type { KubernetesObject } from "../../ports.ts";

/** A column; those with priority 1 are shown by `-o wide` only. */
export interface Column {
  name: string;
  type?: string;
  format?: string;
  priority?: number;
}

/** A cell: text, a number, or nothing. */
export type Cell = string | number | boolean | null;

/** How a kind is shown. */
export interface TableOf {
  columns: readonly Column[];
  cells(object: KubernetesObject, nowMs: number): Cell[];
}
