export {
  addToMap,
  type JsonPatchOperation,
  labelsOfNewPod,
  mutatePod,
  pointerStep,
  type Verdict,
} from "./admission.ts";
export { readPodEnis, writePodEnis } from "./annotation.ts";
export { type CniNodeSource, newCniNode } from "./cninodes.ts";
export { type EventText, nodeEvents, podEvents } from "./event-texts.ts";
export { guardChangedNode, guardChangedPod, guardNewPod } from "./guard.ts";
export * from "./keys.ts";
export {
  type Eligibility,
  eligibilityOf,
  eniConfigNameOf,
  instanceIdOf,
  isTrunkLabelOurs,
  wantsTrunk,
} from "./nodes.ts";
export type * from "./objects.ts";
export {
  compilePolicy,
  matchPolicies,
  type PodLabels,
  type Policy,
  type PolicyMatch,
  problemsOf,
  type ServiceAccountLabels,
} from "./policies.ts";
export { countOf, isMirrorPod, isTerminal, requestOf, wantsWindows } from "./requests.ts";
export { type CompiledSelector, compileSelector } from "./selectors.ts";
export { cooldownSecondsOf, settingsConfigMap } from "./settings.ts";
