export type { Dependencies } from "./dependencies.ts";
export {
  handleBranchLooks,
  handleInstanceEvents,
  handleNodeEvents,
  handlePodEvents,
  type SharedDelivery,
} from "./handlers.ts";
export { type ReaperRun, reap } from "./reaper.ts";
