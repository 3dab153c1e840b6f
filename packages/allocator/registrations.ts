import { type ClusterRegistered, type Delivery, type Envelope, registerCluster } from "@trunkline/core";
import type { Dependencies } from "./dependencies.ts";

/** Tries of one registration that meets others. */
const triesMax = 5;
/** Pages of a cluster's nodes: a million nodes. */
const pagesMax = 1_000;

/**
 * Writes a cluster's registration down; when groups are not named any more, or the cluster is another incarnation, all of its nodes are looked
 * at (P09, P22).
 */
export const register = async (
  dependencies: Dependencies,
  { event, cluster, receiveCount }: Delivery<ClusterRegistered>,
): Promise<void> => {
  const { ledger, clock, telemetry } = dependencies;
  for (let tries = 0; tries < triesMax; tries += 1) {
    const record = await ledger.get({ kind: "cluster", cluster });
    const registration = registerCluster(record, event, cluster, clock.now());
    if (registration.kind === "retired") {
      telemetry.note("warn", "A registration of a retired incarnation was dropped.", { cluster });
      return;
    }
    if (registration.kind === "unchanged") {
      // An earlier worker may have died before it looked at the nodes.
      if (receiveCount > 1) await lookAtNodes(dependencies, cluster);
      return;
    }
    if ((await ledger.commit([registration.write])) === "conflict") continue;
    if (registration.concernsNodes) await lookAtNodes(dependencies, cluster);
    return;
  }
  throw new Error(`The registration of the cluster ${cluster} met others too often.`);
};

const lookAtNodes = async ({ ledger, outbox }: Dependencies, cluster: Delivery<unknown>["cluster"]): Promise<void> => {
  let next: string | undefined;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const page = await ledger.nodesOf(cluster, next);
    const looks = page.elements.map(
      (instanceId): Envelope => ({
        to: "node-events",
        cluster,
        body: { type: "NodeLook", instanceId },
        delaySeconds: 0,
      }),
    );
    if (looks.length > 0) await outbox.send(looks);
    next = page.next;
    if (next === undefined) return;
  }
};
