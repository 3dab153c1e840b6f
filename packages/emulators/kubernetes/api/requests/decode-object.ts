/** From the body of a request to an object of its type, with the refusals that happen on the way. */

import type { KubernetesObject, ObjectMeta } from "../../ports.ts";
import { isObject, type JsonObject, objectAt, without } from "../json.ts";
import { apiVersionOf, type ResourceType } from "../resource-type.ts";
import { modelSchema } from "../schema/builtin-schema.ts";
import { applyCustomDefaults } from "../schema/custom-defaults.ts";
import { validateCustom } from "../schema/custom-validation.ts";
import { type Decoded, decode } from "../schema/decode.ts";
import { badRequest, type FieldProblem } from "../statuses.ts";
import type { RequestContext } from "./context.ts";

/** More unknown fields than these are not named one by one. */
const UNKNOWN_SHOWN_MAX = 20;

/**
 * The body as an object of the type, a private copy without unknown fields. Throws 400 for another type's body, for
 * values of the wrong type, and under strict validation for unknown fields; otherwise these are warned about.
 */
export function decodeObject(type: ResourceType, raw: unknown, context: RequestContext): KubernetesObject {
  if (!isObject(raw)) throw badRequest("the object provided is unrecognized (must be of type Object)");
  checkType(type, raw);
  const decoded = decodeAs(type, raw);
  if (decoded.mistyped !== undefined) throw badRequest(`${cannotBeHandled(type)}: ${decoded.mistyped}`);
  report(type, decoded.unknownFields, context);
  return Object.assign(decoded.value, {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: (objectAt(decoded.value, "metadata") ?? {}) as ObjectMeta,
  });
}

/** Metadata is read as the built-in type that it is, also in a custom object. */
function decodeAs(type: ResourceType, raw: JsonObject): Decoded {
  if (type.custom === undefined) return decode(raw, type.schema, { custom: false });
  const metadata = decode({ metadata: raw.metadata }, modelSchema("V1Pod"), { custom: false });
  const rest = decode(without(raw, "metadata"), type.schema, { custom: true });
  return {
    value: { ...rest.value, ...metadata.value },
    unknownFields: [...metadata.unknownFields, ...rest.unknownFields],
    mistyped: metadata.mistyped ?? rest.mistyped,
  };
}

function checkType(type: ResourceType, raw: JsonObject): void {
  const expected = apiVersionOf(type);
  const { apiVersion = expected, kind = type.kind } = raw;
  if (apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (${expected})`,
    );
  }
  if (kind !== type.kind) {
    throw badRequest(
      `${String(kind)} in version ${JSON.stringify(type.version)} cannot be handled as a ${type.kind}: ` +
        `no kind ${JSON.stringify(kind)} is registered for this path`,
    );
  }
}

function cannotBeHandled(type: ResourceType): string {
  return `${type.kind} in version ${JSON.stringify(type.version)} cannot be handled as a ${type.kind}`;
}

function report(type: ResourceType, unknownFields: readonly string[], context: RequestContext): void {
  if (unknownFields.length === 0 || context.fieldValidation === "Ignore") return;
  const texts = unknownFields.slice(0, UNKNOWN_SHOWN_MAX).map((field) => `unknown field "${field}"`);
  if (context.fieldValidation === "Strict") {
    throw badRequest(`${cannotBeHandled(type)}: strict decoding error: ${texts.join(", ")}`);
  }
  for (const text of texts) context.warn(text);
}

/** Fills in the type's defaults, in place. */
export function setDefaults(type: ResourceType, object: KubernetesObject): void {
  if (type.custom !== undefined) applyCustomDefaults(object, type.custom.openApi);
  type.rules.setDefaults?.(object);
}

/** What is wrong with the object by the rules of its type alone. */
export function validateObject(type: ResourceType, object: KubernetesObject): FieldProblem[] {
  if (type.custom !== undefined) return validateCustom(object, type.custom.openApi);
  return type.rules.validate?.(object) ?? [];
}
