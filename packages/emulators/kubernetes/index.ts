/** The Kubernetes emulator: an API server that refuses what a real one refuses. */

export type { ServiceResolver } from "./api/admission/https-caller.ts";
export type { WebhookCall, WebhookCaller } from "./api/admission/webhooks.ts";
export type { Attributes, PathAttributes, ResourceAttributes } from "./api/authorization/attributes.ts";
export type { Authorization } from "./api/authorization/authorize.ts";
export {
  createKubernetesModel,
  type KubernetesEmulator,
  type KubernetesEmulatorOptions,
  type KubernetesModel,
  type ModelOptions,
  startKubernetesEmulator,
} from "./api/emulator.ts";
export type { Exchange } from "./api/http/exchange.ts";
export type { Fault } from "./api/http/faults.ts";
export type { StaticToken } from "./api/http/users.ts";
export * from "./ports.ts";
