/** Defaults of custom resources, from the `default` marks of their schema. */

import { copy, isObject, type JsonObject, objectAt } from "../json.ts";

/** Sets every default in place: of absent fields, and of null ones that may not be null. */
export function applyCustomDefaults(value: unknown, openApi: JsonObject | undefined): void {
  if (openApi === undefined) return;
  if (Array.isArray(value)) {
    for (const entry of value) applyCustomDefaults(entry, objectAt(openApi, "items"));
    return;
  }
  if (!isObject(value)) return;
  for (const [name, schema] of Object.entries(objectAt(openApi, "properties") ?? {})) {
    if (!isObject(schema)) continue;
    const absent = value[name] === undefined || (value[name] === null && schema.nullable !== true);
    if (absent && schema.default !== undefined) value[name] = copy(schema.default);
    applyCustomDefaults(value[name], schema);
  }
  const values = objectAt(openApi, "additionalProperties");
  for (const [name, entry] of Object.entries(value)) {
    if (values !== undefined && objectAt(openApi, "properties", name) === undefined) applyCustomDefaults(entry, values);
  }
}
