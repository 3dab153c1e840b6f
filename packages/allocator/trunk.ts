import {
  adoptableTrunk,
  type EniFacts,
  type NodeObserved,
  rebuiltFrom,
  type TrunkRecord,
  trunkIntent,
} from "@trunkline/core";
import type { Dependencies } from "./dependencies.ts";
import type { Purse } from "./tokens.ts";
import { attach, awaitAttached, settleDoubt } from "./trunk-attach.ts";
import { called, deadline, type Journey, type Onward, restAfter, write } from "./trunk-journey.ts";
import { move, request } from "./trunk-request.ts";
import type { View } from "./view.ts";

/** Steps that one worker makes for one trunk before a later look goes on. */
const stepsMax = 8;

/**
 * Carries a node's trunk on: look at EC2, create, attach, wait until attached, ready. Each step is committed before the next one begins, so
 * that any worker can go on from it (P08).
 */
export const carryTrunk = async (
  dependencies: Dependencies,
  view: View,
  node: NodeObserved | undefined,
  purse: Purse,
): Promise<void> => {
  const journey: Journey = { dependencies, view, purse, node, instance: undefined };
  const { trunk } = view.partition;
  if (node !== undefined && trunk !== undefined && trunk.status !== "unsupported" && trunk.status !== "refused") {
    await move(journey, node);
    return;
  }
  for (let steps = 0; steps < stepsMax; steps += 1) {
    if ((await step(journey)) === "rest") return;
  }
};

const step = (journey: Journey): Promise<Onward> | Onward => {
  const { trunk } = journey.view.partition;
  switch (trunk?.status) {
    case undefined:
    case "unsupported":
    case "refused":
      return journey.node === undefined ? "rest" : request(journey, journey.node, trunk);
    case "requested":
      return create(journey, trunk);
    case "waiting-for-slot":
    case "created":
      return attach(journey, trunk);
    case "attached":
      return awaitAttached(journey, trunk);
    case "ready":
      return settleDoubt(journey, trunk);
    case "draining":
    case "gone":
      return "rest";
  }
};

/** Adopts a trunk ENI that an earlier worker made, or creates one. */
const create = async (journey: Journey, trunk: TrunkRecord): Promise<Onward> => {
  const { ec2 } = journey.dependencies;
  const found = await called(journey, "DescribeNetworkInterfaces", () => ec2.findTrunks(trunk.instanceId));
  if (!("value" in found)) return restAfter(journey, trunk, found);
  let eni: EniFacts | undefined = adoptableTrunk(trunk, found.value);
  let known: Pick<TrunkRecord, "vlans" | "held" | "rebuilding"> = trunk;
  if (eni?.attachment !== undefined) {
    const { eniId } = eni;
    const branches = await called(journey, "DescribeNetworkInterfaces", () => ec2.findBranches(eniId));
    if (!("value" in branches)) return restAfter(journey, trunk, branches);
    known = rebuiltFrom(branches.value);
  }
  if (eni === undefined) {
    const { subnetId, securityGroups } = trunk;
    const made = await called(journey, "CreateNetworkInterface", () =>
      ec2.createTrunkEni({ intent: trunkIntent(trunk), subnetId, securityGroups }),
    );
    if (!("value" in made)) return restAfter(journey, trunk, made);
    eni = made.value;
  }
  return write(journey, trunk, {
    ...trunk,
    ...known,
    status: "created",
    trunkEniId: eni.eniId,
    stepDeadline: deadline(journey),
    problem: undefined,
  });
};
