export { systemClock, systemIds } from "./clock.ts";
export {
  type Clients,
  type Composition,
  ConfigurationError,
  compose,
  createClients,
  requireEnvironment,
} from "./dependencies.ts";
export { type Environment, type EnvironmentResult, readEnvironment } from "./environment.ts";
export { clusterQueueHandler, type QueueFunction, scheduledHandler, sharedQueueHandler } from "./handler.ts";
export { createOutbox } from "./outbox.ts";
export { createTelemetry } from "./telemetry.ts";
