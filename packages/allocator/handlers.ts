import type {
  BranchLook,
  ClusterName,
  ClusterRegistered,
  Delivery,
  Incarnation,
  InstanceStateChanged,
  NodeEvent,
  PodEvent,
} from "@trunkline/core";
import type { Dependencies } from "./dependencies.ts";
import { register } from "./registrations.ts";
import { jobsOf, serve } from "./serve.ts";

/** A delivery of a queue that all clusters share: the records tell whose it is. */
export type SharedDelivery<Event> = Omit<Delivery<Event>, "cluster">;

/**
 * Events of another incarnation than the registered one are another cluster's: they are dropped and noted (P09). A cluster that has not yet
 * registered is believed.
 */
const ofThisIncarnation = async <
  Event extends { readonly incarnation?: Incarnation | undefined } | { readonly type: string },
>(
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
    const own = registered === undefined || !("incarnation" in event) || event.incarnation === registered;
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

/** Serves nodes: their trunks, what their snapshots show, and the registration of their cluster, which comes first. */
export const handleNodeEvents = async (
  dependencies: Dependencies,
  deliveries: readonly Delivery<NodeEvent>[],
): Promise<readonly string[]> => {
  const failed: string[] = [];
  for (const delivery of deliveries) {
    if (!isRegistration(delivery)) continue;
    try {
      await register(dependencies, delivery);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      dependencies.telemetry.note("error", "A cluster could not be registered; its message comes again.", { cause });
      failed.push(delivery.messageId);
    }
  }
  const ofNodes = deliveries.filter(isOfNode);
  return [...failed, ...(await serve(dependencies, jobsOf(await ofThisIncarnation(dependencies, ofNodes))))];
};

const isRegistration = (delivery: Delivery<NodeEvent>): delivery is Delivery<ClusterRegistered> =>
  delivery.event.type === "ClusterRegistered";

const isOfNode = (delivery: Delivery<NodeEvent>): delivery is Delivery<Exclude<NodeEvent, ClusterRegistered>> =>
  !isRegistration(delivery);

/** Takes note of what EC2 says about instances; those without records are nobody's. */
export const handleInstanceEvents = (
  dependencies: Dependencies,
  deliveries: readonly SharedDelivery<InstanceStateChanged>[],
): Promise<readonly string[]> => serve(dependencies, jobsOf(deliveries));
