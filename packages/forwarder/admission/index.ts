/** Judging admission requests without a server: what tests and benchmarks need of it. */

export { type Hook, hooks, type JudgeOptions, judge } from "./judge.ts";
export { type AdmissionRequest, answerOf, parseReview } from "./review.ts";
export {
  type AdmissionOptions,
  type AdmissionResult,
  type AdmissionServer,
  startAdmission,
} from "./server.ts";
