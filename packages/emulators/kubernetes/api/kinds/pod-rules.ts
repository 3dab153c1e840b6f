/** Pods, as a kind. */

import type { KubernetesObject } from "../../ports.ts";
import { equal, type JsonObject, numberAt, objectAt, objectIn, stringAt, stringMapAt } from "../json.ts";
import type { KindRules } from "../resource-type.ts";
import { allContainers, setPodDefaults } from "./pod-defaults.ts";
import { validatePodSpec, validatePodUpdate } from "./pod-validation.ts";

const DEFAULT_GRACE_SECONDS = 30;

/** See https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/. */
export const podRules: KindRules = {
  // https://github.com/kubernetes/kubernetes/blob/master/pkg/registry/core/pod/strategy.go, podStatusStrategy.
  statusMayChangeMetadata: "all but owners",
  setDefaults: setPodDefaults,
  prepareCreate: (pod) => {
    pod.status = { phase: "Pending", qosClass: qosClass(objectAt(pod, "spec")) };
  },
  validate: (pod) => validatePodSpec(objectIn(pod, "spec"), "spec"),
  validateUpdate: validatePodUpdate,
  gracePeriodSeconds: podGraceSeconds,
};

/** A pod that no kubelet has, or that has ended, is deleted at once. */
function podGraceSeconds(pod: KubernetesObject, requestedSeconds: number | undefined): number {
  const phase = stringAt(pod, "status", "phase");
  const bound = (stringAt(pod, "spec", "nodeName") ?? "") !== "";
  if (!bound || phase === "Succeeded" || phase === "Failed") return 0;
  const seconds = requestedSeconds ?? numberAt(pod, "spec", "terminationGracePeriodSeconds") ?? DEFAULT_GRACE_SECONDS;
  return seconds < 0 ? 1 : seconds;
}

/** See https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/. */
function qosClass(spec: JsonObject | undefined): string {
  const compute = (container: JsonObject, list: string) => {
    const { cpu, memory } = stringMapAt(container, "resources", list);
    return { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) };
  };
  const containers = allContainers(spec).map((container) => ({
    limits: compute(container, "limits"),
    requests: compute(container, "requests"),
  }));
  const guaranteed = containers.every(
    ({ limits, requests }) => Object.keys(limits).length === 2 && equal(limits, requests),
  );
  if (guaranteed && containers.length > 0) return "Guaranteed";
  const any = containers.some(({ limits, requests }) => Object.keys({ ...limits, ...requests }).length > 0);
  return any ? "Burstable" : "BestEffort";
}
