import { worldDurations } from "./durations.ts";
import { functionEnvironment, type Overrides } from "./function-environment.ts";
import { type QueueHandlers, type ScheduledHandler, startMappings, startSchedule } from "./mappings.ts";
import type { WorldFacts } from "./walkthrough/tour.ts";

/** How the functions run in the local world. */
export interface FunctionsOptions {
  readonly facts: WorldFacts;
  readonly overrides?: Overrides | undefined;
  /** How often the reaper runs, in seconds; the local world's interval when absent. */
  readonly reaperSeconds?: number | undefined;
  readonly log: (line: string) => void;
}

/**
 * Starts the real functions behind their event source mappings and their schedule, against a world that runs somewhere.
 *
 * Sets variables of this process, because that is how functions are configured; so they can run only once in a process.
 */
export async function startFunctions(options: FunctionsOptions): Promise<{ stop(): Promise<void> }> {
  const { facts, overrides, log } = options;
  const clusters = [{ cluster: facts.cluster }];
  Object.assign(process.env, functionEnvironment(facts, clusters, overrides));
  const onFailure = ({ functionName, error }: { functionName: string; error: unknown }) =>
    log(JSON.stringify({ level: "ERROR", message: `${functionName} failed`, error: String(error) }));
  const { handlers, reaper } = await loadFunctions();
  const mappings = startMappings({ endpoints: facts, clusters, handlers, onFailure });
  const schedule = startSchedule({
    functionName: "reaper",
    handler: reaper,
    everySeconds: options.reaperSeconds ?? worldDurations.reaperInterval.local,
    timeoutSeconds: 60,
    onFailure,
  });
  return {
    stop: async () => {
      await schedule.stop();
      await mappings.stop();
    },
  };
}

/** The functions are loaded after the variables are set, as on Lambda. */
async function loadFunctions(): Promise<{ handlers: QueueHandlers; reaper: ScheduledHandler }> {
  const [podEvents, nodeEvents, branchCooldown, instanceEvents, reaper] = await Promise.all([
    import("@trunkline/functions/pod-events"),
    import("@trunkline/functions/node-events"),
    import("@trunkline/functions/branch-cooldown"),
    import("@trunkline/functions/instance-events"),
    import("@trunkline/functions/reaper"),
  ]);
  return {
    handlers: {
      "pod-events": podEvents.handler,
      "node-events": nodeEvents.handler,
      "branch-cooldown": branchCooldown.handler,
      "instance-events": instanceEvents.handler,
    },
    reaper: reaper.handler,
  };
}
