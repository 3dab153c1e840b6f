export { holds } from "./conditions.ts";
export {
  associatedBranch,
  claimedBranch,
  coolingBranch,
  goneBranch,
  partitionOf,
  vlan,
  waitingBranch,
} from "./records.ts";
export { testSettings } from "./settings.ts";
