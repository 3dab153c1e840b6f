/**
 * The refusals of the API server, with the texts of the real one.
 * See https://github.com/kubernetes/apimachinery/blob/master/pkg/api/errors/errors.go.
 */

import { type Status, type StatusDetails, StatusError } from "../ports.ts";
import { isObject } from "./json.ts";

/** What a refusal is about. */
export interface Subject {
  group: string;
  /** The plural name, as in `pods`. */
  resource: string;
  name: string;
}

/** One thing wrong with a field. `text` is the message without the field. */
export interface FieldProblem {
  field: string;
  reason: "FieldValueRequired" | "FieldValueInvalid" | "FieldValueNotSupported" | "FieldValueForbidden" | FieldReason;
  text: string;
}

type FieldReason = "FieldValueDuplicate" | "FieldValueNotFound" | "FieldValueTypeInvalid" | "FieldValueTooMany";

/** `pods`, or `deployments.apps`. */
export function qualified(subject: { group: string; resource: string }): string {
  return subject.group === "" ? subject.resource : `${subject.resource}.${subject.group}`;
}

/** A refusal with any code, reason and message. */
export function refusal(code: number, reason: string, message: string, details?: StatusDetails): StatusError {
  const status: Status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
  if (details !== undefined) status.details = details;
  return new StatusError(status);
}

function about(subject: Subject): StatusDetails {
  return {
    ...(subject.name === "" ? {} : { name: subject.name }),
    ...(subject.group === "" ? {} : { group: subject.group }),
    kind: subject.resource,
  };
}

/** 404: no such object. */
export function notFound(subject: Subject): StatusError {
  return refusal(404, "NotFound", `${qualified(subject)} "${subject.name}" not found`, about(subject));
}

/** 404: no such path, type or subresource. */
export function noSuchPath(): StatusError {
  return refusal(404, "NotFound", "the server could not find the requested resource", {});
}

/** 409: the name is taken; `deleting` when its holder is on its way out. */
export function alreadyExists(subject: Subject, deleting = false): StatusError {
  const prefix = deleting ? "object is being deleted: " : "";
  const message = `${prefix}${qualified(subject)} "${subject.name}" already exists`;
  return refusal(409, "AlreadyExists", message, about(subject));
}

/** 409: somebody else was faster, or a precondition failed. */
export function conflict(subject: Subject, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(subject)} "${subject.name}": ${why}`;
  return refusal(409, "Conflict", message, about(subject));
}

/** What a {@link conflict} says when the version is not the stored one. */
export const objectModified =
  "the object has been modified; please apply your changes to the latest version and try again";

/** 403: refused by admission or policy. */
export function forbidden(subject: Subject, why: string): StatusError {
  const named = subject.name === "" ? qualified(subject) : `${qualified(subject)} "${subject.name}"`;
  return refusal(403, "Forbidden", `${named} is forbidden: ${why}`, about(subject));
}

/** 400: the request makes no sense. */
export function badRequest(message: string): StatusError {
  return refusal(400, "BadRequest", message);
}

/** 401: the token names nobody. */
export function unauthorized(): StatusError {
  return refusal(401, "Unauthorized", "Unauthorized");
}

/** 405: the path exists, the verb does not. */
export function methodNotAllowed(): StatusError {
  return refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});
}

/** 410: the version is no longer in the history. */
export function expired(message: string): StatusError {
  return refusal(410, "Expired", message);
}

/** 415: no such patch type. */
export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`;
  return refusal(415, "UnsupportedMediaType", message);
}

/** 422 of a JSON patch that does not apply, a failed `test` among them. */
export function patchRejected(): StatusError {
  return refusal(422, "Invalid", "the server rejected our request due to an error in our request", {});
}

/** 429: come back later. */
export function tooManyRequests(message: string, retryAfterSeconds: number): StatusError {
  return refusal(429, "TooManyRequests", message, { retryAfterSeconds });
}

/** 500, worded as the API server words it. */
export function internalError(message: string): StatusError {
  return refusal(500, "InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });
}

/** 422: the object breaks the rules of its type. */
export function invalid(
  type: { group: string; kind: string },
  name: string,
  problems: readonly FieldProblem[],
): StatusError {
  const texts = problems.map((problem) => `${problem.field}: ${problem.text}`);
  const list = texts.length === 1 ? texts[0] : `[${[...new Set(texts)].join(", ")}]`;
  const kind = type.group === "" ? type.kind : `${type.kind}.${type.group}`;
  return refusal(422, "Invalid", `${kind} "${name}" is invalid: ${list}`, {
    name,
    ...(type.group === "" ? {} : { group: type.group }),
    kind: type.kind,
    causes: problems.map((problem) => ({ reason: problem.reason, message: problem.text, field: problem.field })),
  });
}

/** 422 of a change that has to name the version that it changes. The text names the plural, as the real one does. */
export function mustNameVersion(subject: Subject): StatusError {
  const text = "Invalid value: 0x0: must be specified for an update";
  const problem: FieldProblem = { field: "metadata.resourceVersion", reason: "FieldValueInvalid", text };
  return invalid({ group: subject.group, kind: subject.resource }, subject.name, [problem]);
}

/** A required field is absent or empty. */
export function required(field: string, detail = ""): FieldProblem {
  return { field, reason: "FieldValueRequired", text: detail === "" ? "Required value" : `Required value: ${detail}` };
}

/** A field has a value that it must not have. */
export function invalidValue(field: string, value: unknown, detail: string): FieldProblem {
  return { field, reason: "FieldValueInvalid", text: `Invalid value: ${shown(value)}: ${detail}` };
}

/** A field has none of its allowed values. */
export function notSupported(field: string, value: unknown, allowed: readonly string[]): FieldProblem {
  const list = allowed.map((entry) => JSON.stringify(entry)).join(", ");
  return {
    field,
    reason: "FieldValueNotSupported",
    text: `Unsupported value: ${shown(value)}: supported values: ${list}`,
  };
}

/** A field must not be set, or not be changed. */
export function forbiddenField(field: string, detail: string): FieldProblem {
  return { field, reason: "FieldValueForbidden", text: `Forbidden: ${detail}` };
}

/** A value stands twice in a list whose values are unique. */
export function duplicate(field: string, value: unknown): FieldProblem {
  return { field, reason: "FieldValueDuplicate", text: `Duplicate value: ${shown(value)}` };
}

/** A field names something that is not there. */
export function missing(field: string, value: unknown): FieldProblem {
  return { field, reason: "FieldValueNotFound", text: `Not found: ${shown(value)}` };
}

function shown(value: unknown): string {
  if (isObject(value) || Array.isArray(value)) return JSON.stringify(value);
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
