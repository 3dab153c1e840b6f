/** JSON merge patches, https://www.rfc-editor.org/rfc/rfc7396. */

import { isObject, type JsonObject } from "../json.ts";

/** The target with the patch applied; null removes a field, and arrays are replaced. Changes neither argument. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}
