/**
 * Sets of field paths in the notation of `managedFields` (`f:` a field, `k:` an entry by its keys, `v:` a value, `.` the
 * thing itself).
 * See https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management.
 */

import { equal, isObject, type JsonObject } from "../json.ts";
import type { ListSchema, Schema } from "../schema/schema.ts";

/** A set of paths, as `fieldsV1` writes it: an empty object is a path that ends here. */
export interface FieldSet {
  [step: string]: FieldSet;
}

const SELF = ".";

/** Metadata that the server owns, and that therefore has no manager. */
const UNMANAGED_METADATA = new Set([
  "name",
  "namespace",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "managedFields",
  "generateName",
  "selfLink",
]);

/** The object without what nobody manages. */
export function managedPart(object: JsonObject): JsonObject {
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = object;
  if (!isObject(rest.metadata)) return rest;
  const { metadata, ...others } = rest;
  const managed = Object.entries(metadata).filter(([key]) => !UNMANAGED_METADATA.has(key));
  return managed.length === 0 ? others : { ...others, metadata: Object.fromEntries(managed) };
}

/** The steps into a value and what they lead to; `undefined` for a value with one owner. */
export function parts(value: unknown, schema: Schema): { step: string; value: unknown; schema: Schema }[] | undefined {
  if (isObject(value)) {
    if ((schema.kind === "object" || schema.kind === "map") && schema.atomic) return undefined;
    if (schema.kind !== "object" && schema.kind !== "map" && schema.kind !== "any") return undefined;
    return Object.entries(value).map(([key, entry]) => ({
      step: `f:${key}`,
      value: entry,
      schema:
        schema.kind === "map"
          ? schema.values
          : ((schema.kind === "object" ? schema.field(key) : undefined) ?? { kind: "any" }),
    }));
  }
  if (!Array.isArray(value) || schema.kind !== "list" || schema.merge.by === "whole") return undefined;
  return value.map((entry) => ({ step: entryStep(entry, schema), value: entry, schema: schema.entries }));
}

/** What a key field is when the entry leaves it out. */
const KEY_DEFAULTS: Readonly<Record<string, unknown>> = { protocol: "TCP" };

/** The step to an entry of a list: by its keys, or by its value. */
export function entryStep(entry: unknown, schema: ListSchema): string {
  if (schema.merge.by !== "keys" || !isObject(entry)) return `v:${JSON.stringify(entry)}`;
  const keys = schema.merge.keys.toSorted().flatMap((key): [string, unknown][] => {
    const value = entry[key] ?? KEY_DEFAULTS[key];
    return value === undefined ? [] : [[key, value]];
  });
  return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}

/** The paths of a value. */
export function fieldsOf(value: unknown, schema: Schema): FieldSet {
  const set: FieldSet = {};
  for (const part of parts(value, schema) ?? []) {
    set[part.step] = fieldsOf(part.value, part.schema);
    if (part.step.startsWith("k:")) (set[part.step] as FieldSet)[SELF] = {};
  }
  return set;
}

/** The paths at which `next` differs from `old`, as far as they exist in `next`. */
export function changedFields(old: unknown, next: unknown, schema: Schema): FieldSet {
  const before = new Map((parts(old, schema) ?? []).map((part) => [part.step, part]));
  const changed: FieldSet = {};
  for (const part of parts(next, schema) ?? []) {
    const earlier = before.get(part.step);
    if (earlier === undefined) {
      changed[part.step] = fieldsOf(part.value, part.schema);
      if (part.step.startsWith("k:")) (changed[part.step] as FieldSet)[SELF] = {};
    } else if (!equal(earlier.value, part.value)) {
      const nested = changedFields(earlier.value, part.value, part.schema);
      const leaf = parts(part.value, part.schema) === undefined;
      if (leaf || Object.keys(nested).length > 0) changed[part.step] = nested;
    }
  }
  return changed;
}

/** The paths of both sets. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  const merged: FieldSet = { ...a };
  for (const [step, nested] of Object.entries(b)) {
    const held = merged[step];
    merged[step] = held === undefined ? nested : union(held, nested);
  }
  return merged;
}

/** The paths of `a` that are not in `b`. A path that ends in `b` takes everything under it along. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  const rest: FieldSet = {};
  for (const [step, nested] of Object.entries(a)) {
    const taken = b[step];
    if (taken === undefined) {
      rest[step] = nested;
      continue;
    }
    if (Object.keys(taken).length === 0) continue;
    const left = difference(nested, taken);
    if (Object.keys(left).length > 0) rest[step] = left;
  }
  return rest;
}

/** Whether the set has no path. */
export function isEmpty(set: FieldSet): boolean {
  return Object.keys(set).length === 0;
}
