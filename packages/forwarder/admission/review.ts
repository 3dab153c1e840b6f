import type { Verdict } from "@trunkline/kubernetes";

/** See https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request */
export interface AdmissionRequest {
  readonly uid: string;
  readonly operation?: string;
  readonly namespace?: string;
  readonly subResource?: string;
  readonly resource?: { readonly resource?: string };
  readonly userInfo?: { readonly username?: string };
  readonly object?: unknown;
  readonly oldObject?: unknown;
}

/** The request of a review, or what a body lacks to be one. */
export type ReviewResult =
  | { readonly ok: true; readonly request: AdmissionRequest }
  | { readonly ok: false; readonly problem: string };

const apiVersion = "admission.k8s.io/v1";
const uidLengthMax = 256;

/** Reads a body as an AdmissionReview of `admission.k8s.io/v1`, the only version that API servers since 1.22 must send. */
export const parseReview = (body: string): ReviewResult => {
  let review: unknown;
  try {
    review = JSON.parse(body);
  } catch {
    return { ok: false, problem: "the body is not JSON" };
  }
  if (!isMap(review) || review.kind !== "AdmissionReview") {
    return { ok: false, problem: "the body is not an AdmissionReview" };
  }
  if (review.apiVersion !== apiVersion) return { ok: false, problem: `the AdmissionReview is not of ${apiVersion}` };
  const problem = problemOfRequest(review.request);
  return problem === undefined
    ? { ok: true, request: review.request as AdmissionRequest }
    : { ok: false, problem: `the AdmissionReview ${problem}` };
};

const problemOfRequest = (request: unknown): string | undefined => {
  if (!isMap(request)) return "has no request";
  const { uid } = request;
  if (typeof uid !== "string" || uid === "" || uid.length > uidLengthMax) return "has no request.uid";
  const wrong = ["operation", "namespace", "subResource"].find((field) => !isAbsentOr("string", request[field]));
  if (wrong !== undefined) return `has a request.${wrong} that is no text`;
  const resource = request.resource ?? {};
  if (!isMap(resource) || !isAbsentOr("string", resource.resource)) return "has a request.resource that is none";
  const user = request.userInfo ?? {};
  return isMap(user) && isAbsentOr("string", user.username) ? undefined : "has a request.userInfo that is none";
};

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isAbsentOr = (type: string, value: unknown): boolean =>
  value === undefined || value === null || typeof value === type;

/**
 * What warnings may take; the API server cuts or drops more.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response
 */
const warningLengthMax = 256;
const warningsLengthMax = 4_096;

/** Warnings that fit into an answer: each cut to its length, and no more than fit together. */
export const fittingWarnings = (warnings: readonly string[]): readonly string[] => {
  const fitting: string[] = [];
  let left = warningsLengthMax;
  for (const warning of warnings) {
    const cut = warning.length > warningLengthMax ? `${warning.slice(0, warningLengthMax - 1)}…` : warning;
    if (cut.length > left) break;
    left -= cut.length;
    fitting.push(cut);
  }
  return fitting;
};

const forbidden = 403;
const reasons: Readonly<Record<number, string>> = { 400: "BadRequest", [forbidden]: "Forbidden" };

/** The AdmissionReview that answers a request. */
export const answerOf = (uid: string, verdict: Verdict): object => {
  const answer = (response: object) => ({ apiVersion, kind: "AdmissionReview", response: { uid, ...response } });
  if (!verdict.allowed) {
    const { code = forbidden, reason } = verdict;
    return answer({ allowed: false, status: { code, reason: reasons[code], message: reason } });
  }
  const warnings = fittingWarnings(verdict.warnings ?? []);
  return answer({
    allowed: true,
    ...(verdict.patch.length === 0
      ? {}
      : { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(verdict.patch)).toString("base64") }),
    ...(warnings.length === 0 ? {} : { warnings }),
  });
};
