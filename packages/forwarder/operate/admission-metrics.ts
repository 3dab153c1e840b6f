import type { AdmissionOptions, AdmissionResult } from "../admission/server.ts";
import type { Metrics } from "../ports/metrics.ts";

/** HTTP statuses, in the classes by which controller-runtime's metric is read. */
const codeOf: Readonly<Record<AdmissionResult, string>> = {
  allowed: "200",
  mutated: "200",
  refused: "200",
  invalid: "400",
  "not-ready": "503",
  failed: "500",
};

/** Counts admission requests. */
export const countAdmission =
  (metrics: Metrics): NonNullable<AdmissionOptions["onRequest"]> =>
  ({ hook, result, seconds }) => {
    metrics.count("controller_runtime_webhook_requests_total", { webhook: hook, code: codeOf[result] });
    metrics.count("trunkline_admission_requests_total", { webhook: hook, result });
    metrics.observe("controller_runtime_webhook_latency_seconds", { webhook: hook }, seconds);
  };
