export type { Dependencies } from "./dependencies.ts";
export { handleBranchLooks, handleNodeEvents, handlePodEvents, type SharedDelivery } from "./handlers.ts";
