export {
  addToMap,
  type JsonPatchOperation,
  labelsOfNewPod,
  mutatePod,
  pointerStep,
  type Verdict,
} from "./admission.ts";
export { type PodEnisReading, parsePodEnis, readPodEnis, writePodEnis } from "./annotation.ts";
export {
  type CniNodeSource,
  completeCniNode,
  newCniNode,
  readFeaturesMark,
  writeFeaturesMark,
} from "./cninodes.ts";
export { cniNodeEvents, cutMessage, type EventText, nodeEvents, podEvents, policyEvents } from "./event-texts.ts";
export { guardBinding, guardChangedNode, guardChangedPod, guardNewPod } from "./guard.ts";
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
  groupsMax,
  groupsQuotaDefault,
  matchPolicies,
  type PodLabels,
  type Policy,
  type PolicyMatch,
  problemsOf,
  type ServiceAccountLabels,
} from "./policies.ts";
export { countOf, isMirrorPod, isTerminal, requestOf, wantsWindows } from "./requests.ts";
export { type CompiledSelector, compileSelector } from "./selectors.ts";
export { type CooldownReading, readCooldown, settingsConfigMap } from "./settings.ts";
export { type Shaped, shapeBinding, shapeNode, shapePod } from "./shapes.ts";
