/** The local world: everything around Trunkline on one machine, and Trunkline in a process of its own. */
export { localDurations, shortenedDurations, worldDurations } from "./durations.ts";
export { removeWorldFiles, worldFolder, writeWorldFiles } from "./files.ts";
export { startTrunkline, type Trunkline, type TrunklineOptions } from "./trunkline.ts";
export { forkTrunkline, type TrunklineProcess } from "./trunkline-process.ts";
export { type Landscape, landscapeSeed, makeLandscape } from "./world/landscape.ts";
export { startWorld, type World, type WorldOptions } from "./world/world.ts";
