/**
 * Server-side apply: the configuration of one manager merged into the live object, with conflicts where another
 * manager owns a field.
 * See https://kubernetes.io/docs/reference/using-api/server-side-apply/.
 */

import type { ManagedFieldsEntry } from "../../ports.ts";
import { equal, isObject, type JsonObject } from "../json.ts";
import type { Schema } from "../schema/schema.ts";
import { refusal } from "../statuses.ts";
import { difference, entryStep, type FieldSet, fieldsOf, isEmpty, managedPart, parts, union } from "./field-set.ts";

/** What a manager applies. */
export interface Application {
  manager: string;
  force: boolean;
  config: JsonObject;
  apiVersion: string;
  /** RFC 3339. */
  time: string;
}

/** The outcome of an application. */
export interface Applied {
  object: JsonObject;
  managedFields: ManagedFieldsEntry[];
}

/** Applies; throws 409 with one cause for each conflict. */
export function applyConfiguration(
  live: JsonObject,
  managers: readonly ManagedFieldsEntry[],
  application: Application,
  schema: Schema,
): Applied {
  const { manager, config } = application;
  const wanted = fieldsOf(managedPart(config), schema);
  const isOwn = (entry: ManagedFieldsEntry) => entry.manager === manager && entry.operation === "Apply";
  const others = managers.filter((entry) => !isOwn(entry));
  const conflicts = others.flatMap((entry) =>
    overlaps(entry.fieldsV1 as FieldSet, { live, config }, schema, "").map((field) => ({ entry, field })),
  );
  if (conflicts.length > 0 && !application.force) throw conflictStatus(conflicts);
  const before = (managers.find(isOwn)?.fieldsV1 ?? {}) as FieldSet;
  const dropped = others.reduce(
    (set, entry) => difference(set, entry.fieldsV1 as FieldSet),
    difference(before, wanted),
  );
  const merged = mergeValue(removeFields(live, dropped, schema), managedPart(config), schema) as JsonObject;
  const own: ManagedFieldsEntry = {
    manager,
    operation: "Apply",
    apiVersion: application.apiVersion,
    time: application.time,
    fieldsType: "FieldsV1",
    fieldsV1: wanted,
  };
  const kept = others.map((entry) => {
    const lost = conflicts.filter((found) => found.entry === entry).map((found) => found.field.set);
    const left = lost.reduce((set, field) => difference(set, field), entry.fieldsV1 as FieldSet);
    return { ...entry, fieldsV1: left };
  });
  return { object: merged, managedFields: [own, ...kept.filter((entry) => !isEmpty(entry.fieldsV1 as FieldSet))] };
}

interface Overlap {
  /** As messages show it: `.spec.replicas`. */
  path: string;
  set: FieldSet;
}

/** The fields of `owned` that the configuration sets to another value than the live one. */
function overlaps(
  owned: FieldSet,
  values: { live: unknown; config: unknown },
  schema: Schema,
  path: string,
): Overlap[] {
  const live = new Map((parts(values.live, schema) ?? []).map((part) => [part.step, part.value]));
  return (parts(values.config, schema) ?? []).flatMap((part): Overlap[] => {
    const nested = owned[part.step];
    if (nested === undefined) return [];
    const now = live.get(part.step);
    const shown = `${path}${stepText(part.step)}`;
    if (parts(part.value, part.schema) === undefined) {
      return equal(now, part.value) ? [] : [{ path: shown, set: { [part.step]: {} } }];
    }
    const inside = overlaps(nested, { live: now, config: part.value }, part.schema, shown);
    return inside.map((overlap) => ({ path: overlap.path, set: { [part.step]: overlap.set } }));
  });
}

function stepText(step: string): string {
  if (step.startsWith("f:")) return `.${step.slice(2)}`;
  if (step.startsWith("k:")) {
    const keys = Object.entries(JSON.parse(step.slice(2)) as JsonObject);
    return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")}]`;
  }
  return `[=${step.slice(2)}]`;
}

function conflictStatus(conflicts: { entry: ManagedFieldsEntry; field: Overlap }[]): Error {
  const causes = conflicts.map(({ entry, field }) => {
    const using = entry.operation === "Apply" ? "" : ` using ${entry.apiVersion}`;
    return {
      reason: "FieldManagerConflict",
      message: `conflict with ${JSON.stringify(entry.manager)}${using}`,
      field: field.path,
    };
  });
  const plural = causes.length === 1 ? "conflict" : "conflicts";
  const list =
    causes.length === 1
      ? ` ${causes[0]?.message}: ${causes[0]?.field}`
      : causes.map((cause) => `\n${cause.message}:\n- ${cause.field}`).join("");
  const message = `Apply failed with ${causes.length} ${plural}:${list}`;
  return refusal(409, "Conflict", message, { causes });
}

/** The live value with the configuration's fields over it. */
function mergeValue(live: unknown, config: unknown, schema: Schema): unknown {
  if (parts(config, schema) === undefined) return config;
  if (isObject(config)) {
    const merged: JsonObject = isObject(live) ? { ...live } : {};
    for (const part of parts(config, schema) ?? []) {
      const key = part.step.slice(2);
      merged[key] = mergeValue(merged[key], part.value, part.schema);
    }
    return merged;
  }
  return schema.kind === "list" && Array.isArray(config)
    ? mergeEntries(Array.isArray(live) ? live : [], config, schema)
    : config;
}

function mergeEntries(live: unknown[], config: unknown[], schema: Schema & { kind: "list" }): unknown[] {
  const step = (entry: unknown) => entryStep(entry, schema);
  const wanted = new Map(config.map((entry) => [step(entry), entry]));
  const merged = live.map((entry) => {
    const other = wanted.get(step(entry));
    return other === undefined ? entry : mergeValue(entry, other, schema.entries);
  });
  const present = new Set(live.map(step));
  return [...merged, ...config.filter((entry) => !present.has(step(entry)))];
}

/** The value without the fields of the set. */
function removeFields(value: JsonObject, set: FieldSet, schema: Schema): JsonObject {
  return removeFrom(value, set, schema) as JsonObject;
}

function removeFrom(value: unknown, set: FieldSet, schema: Schema): unknown {
  const held = parts(value, schema);
  if (held === undefined) return value;
  const isGone = (step: string) => {
    const nested = set[step];
    return nested !== undefined && (Object.keys(nested).length === 0 || Object.hasOwn(nested, "."));
  };
  const kept = held
    .filter((part) => !isGone(part.step))
    .map((part) => ({ ...part, value: removeFrom(part.value, set[part.step] ?? {}, part.schema) }));
  if (Array.isArray(value)) return kept.map((part) => part.value);
  return Object.fromEntries(kept.map((part) => [part.step.slice(2), part.value]));
}

/** Who owns what after an ordinary write: the writer takes every field that it changed. */
export function trackUpdate(
  managers: readonly ManagedFieldsEntry[],
  change: { changed: FieldSet; next: FieldSet },
  writer: { manager: string; apiVersion: string; time: string; subresource?: string },
): ManagedFieldsEntry[] {
  const isOwn = (entry: ManagedFieldsEntry) =>
    entry.manager === writer.manager && entry.operation === "Update" && entry.subresource === writer.subresource;
  const own = managers.find(isOwn);
  const others = managers
    .filter((entry) => !isOwn(entry))
    .map((entry) => ({ ...entry, fieldsV1: difference(entry.fieldsV1 as FieldSet, change.changed) }));
  const fields = union((own?.fieldsV1 ?? {}) as FieldSet, change.changed);
  const entry: ManagedFieldsEntry = {
    manager: writer.manager,
    operation: "Update",
    apiVersion: writer.apiVersion,
    time: writer.time,
    fieldsType: "FieldsV1",
    fieldsV1: intersection(fields, change.next),
    ...(writer.subresource === undefined ? {} : { subresource: writer.subresource }),
  };
  return [...others, entry].filter((found) => !isEmpty(found.fieldsV1 as FieldSet));
}

function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const both: FieldSet = {};
  for (const [step, nested] of Object.entries(a)) {
    const other = b[step];
    if (other !== undefined) both[step] = intersection(nested, other);
  }
  return both;
}
