/** The local world: everything around Trunkline on one machine, and Trunkline in a process of its own. */
export { localDurations, shortenedDurations, worldDurations } from "./durations.ts";
export { removeWorldFiles, worldFolder, writeWorldFiles } from "./files.ts";
export type { Overrides } from "./function-environment.ts";
export { startFunctions } from "./functions.ts";
export { emulatedCluster } from "./kube-config.ts";
export { clusterQueues, localStage, sharedQueues } from "./queues.ts";
export { startReplica } from "./replica.ts";
export { forwarderToken } from "./tokens.ts";
export { startTrunkline, type Trunkline, type TrunklineOptions } from "./trunkline.ts";
export { forkTrunkline, type TrunklineProcess } from "./trunkline-process.ts";
export type { WorldFacts } from "./walkthrough/tour.ts";
export { type Certificate, installAdmission, selfMadeCertificate } from "./webhooks.ts";
export { type Landscape, landscapeSeed, makeLandscape, runNodes } from "./world/landscape.ts";
export { startWorld, type World, type WorldOptions } from "./world/world.ts";
