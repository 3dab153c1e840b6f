import type { KubeConfig } from "@kubernetes/client-node";
import { startForwarder } from "@trunkline/forwarder";
import { prepareCluster } from "./deployment.ts";
import { localDurations, worldDurations } from "./durations.ts";
import { functionEnvironment, type Overrides } from "./function-environment.ts";
import { asTokenUser, emulatedCluster, loadKubeConfig } from "./kube-config.ts";
import { type QueueHandlers, type ScheduledHandler, startMappings, startSchedule } from "./mappings.ts";
import { clusterQueues, localAccount } from "./queues.ts";
import { localSqsClient } from "./sqs-client.ts";
import { forwarderToken } from "./tokens.ts";
import type { WorldFacts } from "./walkthrough/tour.ts";
import { installAdmission, removeAdmission, selfMadeCertificate } from "./webhooks.ts";

/** How Trunkline runs in the local world. */
export interface TrunklineOptions {
  readonly facts: WorldFacts;
  readonly overrides?: Overrides;
  /** A kubeconfig file, where the cluster is not the emulated one. */
  readonly kubeconfig?: string | undefined;
  /** The address or name at which the API server reaches this machine; 127.0.0.1 when absent. */
  readonly admissionHost?: string | undefined;
  readonly log: (line: string) => void;
}

/** Trunkline, running: the functions behind their mappings and schedule, and the forwarder. */
export interface Trunkline {
  stop(): Promise<void>;
}

/**
 * Starts the real functions and the real forwarder in this process, against a world that runs somewhere.
 *
 * Sets variables of this process, because that is how functions are configured; so only one can run in a process.
 */
export async function startTrunkline(options: TrunklineOptions): Promise<Trunkline> {
  const { facts, log } = options;
  const clusters = [{ cluster: facts.cluster }];
  Object.assign(process.env, functionEnvironment(facts, clusters, options.overrides));
  const onFailure = ({ functionName, error }: { functionName: string; error: unknown }) =>
    log(JSON.stringify({ level: "ERROR", message: `${functionName} failed`, error: String(error) }));
  const { handlers, reaper } = await loadFunctions();
  const mappings = startMappings({ endpoints: facts, clusters, handlers, onFailure });
  const schedule = startSchedule({
    functionName: "reaper",
    handler: reaper,
    everySeconds: worldDurations.reaperInterval.local,
    timeoutSeconds: 60,
    onFailure,
  });
  const forwarder = await runForwarder(options);
  return {
    stop: async () => {
      await forwarder.stop();
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

async function runForwarder(options: TrunklineOptions): Promise<{ stop(): Promise<void> }> {
  const { facts, kubeconfig, log, admissionHost: host = "127.0.0.1" } = options;
  const names = clusterQueues(facts.cluster);
  const queueUrl = (name: string) => `${facts.sqs}/${localAccount}/${name}`;
  const certificate = await selfMadeCertificate(host);
  const { administrator, forwarder: kubeConfig } = await usersOf(facts.kubernetes, kubeconfig);
  const sqs = localSqsClient(facts);
  const forwarder = await startForwarder({
    kubeConfig,
    sqs,
    settings: {
      clusterName: facts.cluster,
      podEventsQueueUrl: queueUrl(names["pod-events"]),
      nodeEventsQueueUrl: queueUrl(names["node-events"]),
      outcomesQueueUrl: queueUrl(names.outcomes),
      admission: { host: host === "127.0.0.1" ? host : "0.0.0.0", port: 0, ...certificate },
      snapshotSeconds: worldDurations.snapshotInterval.local,
      outcomeHeldSeconds: 60,
      cooldownSeconds: localDurations.cooldownSeconds,
      cooldownFloorSeconds: localDurations.cooldownFloorSeconds,
    },
    log: (level, message, fields) => log(JSON.stringify({ level, message, ...fields })),
  });
  await forwarder.ready;
  await installAdmission(administrator, { host, port: forwarder.admissionPort, certificate });
  return {
    stop: async () => {
      // The emulated cluster goes with its world; a real one stays, and would go on asking.
      if (kubeconfig !== undefined) {
        await removeAdmission(administrator).catch((error: unknown) =>
          log(JSON.stringify({ level: "error", message: "The webhooks could not be removed.", error: String(error) })),
        );
      }
      await forwarder.stop();
      sqs.destroy();
    },
  };
}

/** The administrator of the cluster and the forwarder's own user there: the annotation's guard tells them apart. */
async function usersOf(
  server: string,
  kubeconfig: string | undefined,
): Promise<{ administrator: KubeConfig; forwarder: KubeConfig }> {
  if (kubeconfig === undefined)
    return { administrator: emulatedCluster(server), forwarder: emulatedCluster(server, forwarderToken) };
  const administrator = loadKubeConfig(kubeconfig);
  return { administrator, forwarder: asTokenUser(administrator, await prepareCluster(administrator)) };
}
