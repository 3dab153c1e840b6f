/** JSON patches, https://www.rfc-editor.org/rfc/rfc6902. */

import { applyPatch, type Operation } from "rfc6902";
import { copy, isObject, type JsonObject } from "../json.ts";
import { badRequest, patchRejected, refusal } from "../statuses.ts";

/** As many operations as the API server takes in one patch. */
const OPERATIONS_MAX = 10_000;

/**
 * The target with all operations applied. Throws 400 when the patch is no patch, and 422 when an operation does not
 * apply, a failed `test` among them.
 */
export function jsonPatch(target: JsonObject, patch: unknown): JsonObject {
  if (!Array.isArray(patch) || !patch.every(isObject)) {
    throw badRequest("json: cannot unmarshal object into Go value of type jsonpatch.Patch");
  }
  if (patch.length > OPERATIONS_MAX) {
    const message = `The allowed maximum operations in a JSON patch is ${OPERATIONS_MAX}, got ${patch.length}`;
    throw refusal(413, "RequestEntityTooLarge", message);
  }
  const patched = copy(target);
  for (const operation of patch) {
    const [problem] = applyPatch(patched, [operation as unknown as Operation]);
    if (problem !== null) throw patchRejected();
  }
  return patched;
}
