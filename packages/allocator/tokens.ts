import {
  type ClusterName,
  type Ec2Action,
  type Priority,
  type TokenGrant,
  type TokenRequest,
  urgentTag,
} from "@trunkline/core";
import type { Dependencies } from "./dependencies.ts";

/** Tokens of one grant that are not spent yet. */
export interface Purse {
  readonly cluster: ClusterName;
  readonly priority: Priority;
  readonly startsAt: number;
  readonly expiresAt: number;
  readonly left: Map<Ec2Action, number>;
}

/** The purse that a grant fills. */
export const purseOf = (request: TokenRequest, grant: TokenGrant): Purse => ({
  cluster: request.cluster,
  priority: request.priority,
  startsAt: grant.startsAt,
  expiresAt: grant.expiresAt,
  left: new Map(
    Object.entries(request.unit).map(([action, tokens]) => [action as Ec2Action, tokens * grant.granted] as const),
  ),
});

/** A purse without tokens: each call asks for its own. */
export const emptyPurse = (cluster: ClusterName, priority: Priority): Purse => ({
  cluster,
  priority,
  startsAt: 0,
  expiresAt: 0,
  left: new Map(),
});

/** Undefined when the call may start now; else when to come back, epoch milliseconds. */
export type Denial = number | undefined;

/**
 * Takes a token for one call: from the purse while its grant is valid, else a new one, so that a worker that was frozen never spends old
 * tokens (P17); work that is under way goes before new work. Waits for a grant that starts within a second.
 */
export const takeToken = async (dependencies: Dependencies, purse: Purse, action: Ec2Action): Promise<Denial> => {
  const { clock, pacer } = dependencies;
  const left = purse.left.get(action) ?? 0;
  if (left > 0 && clock.now() <= purse.expiresAt) {
    purse.left.set(action, left - 1);
    await waitUntil(dependencies, purse.startsAt);
    return undefined;
  }
  const { cluster, priority } = purse;
  const [grant] = await pacer.ask([{ cluster, unit: { [action]: 1 }, units: 1, priority, tag: urgentTag }]);
  if (grant === undefined || grant.granted < 1) return grant?.wakeAt ?? clock.now() + 1_000;
  await waitUntil(dependencies, grant.startsAt);
  return undefined;
};

const waitUntil = async ({ clock }: Dependencies, time: number): Promise<void> => {
  const wait = time - clock.now();
  if (wait > 0) await clock.sleep(wait);
};

/** Whether the reaper may make a call now: its own work comes last, and a later run does what this one may not (P18). */
export const mayCall = async (dependencies: Dependencies, action: Ec2Action): Promise<boolean> => {
  const [cluster] = dependencies.clusters;
  if (cluster === undefined) return false;
  return (await takeToken(dependencies, emptyPurse(cluster, "background"), action)) === undefined;
};
