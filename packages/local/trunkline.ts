import type { KubeConfig } from "@kubernetes/client-node";
import { prepareCluster } from "./deployment.ts";
import type { Overrides } from "./function-environment.ts";
import { startFunctions } from "./functions.ts";
import { asTokenUser, emulatedCluster, loadKubeConfig } from "./kube-config.ts";
import { startReplica } from "./replica.ts";
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

/** Starts the real functions and the real forwarder in this process, once, against a world that runs somewhere. */
export async function startTrunkline(options: TrunklineOptions): Promise<Trunkline> {
  const functions = await startFunctions(options);
  const forwarder = await runForwarder(options);
  return {
    stop: async () => {
      await forwarder.stop();
      await functions.stop();
    },
  };
}

async function runForwarder(options: TrunklineOptions): Promise<{ stop(): Promise<void> }> {
  const { facts, kubeconfig, log, admissionHost: host = "127.0.0.1" } = options;
  const certificate = await selfMadeCertificate(host);
  const { administrator, forwarder: kubeConfig } = await usersOf(facts.kubernetes, kubeconfig);
  const replica = await startReplica({
    facts,
    kubeConfig,
    host: host === "127.0.0.1" ? host : "0.0.0.0",
    certificate,
    log,
  });
  await installAdmission(administrator, { at: { host, port: replica.admissionPort }, certificate });
  return {
    stop: async () => {
      // The emulated cluster goes with its world; a real one stays, and would go on asking.
      if (kubeconfig !== undefined) {
        await removeAdmission(administrator).catch((error: unknown) =>
          log(JSON.stringify({ level: "error", message: "The webhooks could not be removed.", error: String(error) })),
        );
      }
      await replica.stop();
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
