import type { BranchLook, ClusterName, Delivery, Incarnation, NodeEvent, PodEvent } from "@trunkline/core";
import type { Dependencies } from "./dependencies.ts";
import { jobsOf, type Message, serve } from "./serve.ts";

/** A delivery of a queue that all clusters share: the records tell whose it is. */
export type SharedDelivery<Event> = Omit<Delivery<Event>, "cluster">;

/**
 * Events of another incarnation than the registered one are another cluster's: they are dropped and noted (P09). A cluster that has not yet
 * registered is believed.
 */
const ofThisIncarnation = async <Event extends { readonly incarnation?: Incarnation }>(
  dependencies: Dependencies,
  deliveries: readonly Delivery<Event>[],
): Promise<readonly Delivery<Event>[]> => {
  const current = new Map<ClusterName, Incarnation | undefined>();
  for (const { cluster } of deliveries) {
    if (current.has(cluster)) continue;
    current.set(cluster, (await dependencies.ledger.get({ kind: "cluster", cluster }))?.incarnation);
  }
  return deliveries.filter(({ cluster, event }) => {
    const registered = current.get(cluster);
    const own = registered === undefined || event.incarnation === undefined || event.incarnation === registered;
    if (!own) {
      dependencies.telemetry.count("ForeignIncarnation", 1);
      dependencies.telemetry.note("warn", "A message of another incarnation of the cluster was dropped.", { cluster });
    }
    return own;
  });
};

/**
 * Serves pods: the wish of each is met, written down as waiting, or refused with an outcome.
 *
 * @returns the messages that failed unexpectedly
 */
export const handlePodEvents = async (
  dependencies: Dependencies,
  deliveries: readonly Delivery<PodEvent>[],
): Promise<readonly string[]> => serve(dependencies, jobsOf(await ofThisIncarnation(dependencies, deliveries)));

/** Looks at branches whose cool-down has ended or whose step may be overdue. */
export const handleBranchLooks = (
  dependencies: Dependencies,
  deliveries: readonly SharedDelivery<BranchLook>[],
): Promise<readonly string[]> => serve(dependencies, jobsOf(deliveries));

/** Serves nodes: their trunks, and what their snapshots show. */
export const handleNodeEvents = async (
  dependencies: Dependencies,
  deliveries: readonly Delivery<NodeEvent>[],
): Promise<readonly string[]> => {
  const own = await ofThisIncarnation(
    dependencies,
    deliveries as readonly Delivery<NodeEvent & { incarnation?: Incarnation }>[],
  );
  const messages = own.flatMap((delivery) => {
    const { event } = delivery;
    return event.type === "ClusterRegistered" || event.type === "NodeSnapshot" ? [] : [{ ...delivery, event }];
  });
  return serve(dependencies, jobsOf(messages satisfies readonly Message[]));
};
