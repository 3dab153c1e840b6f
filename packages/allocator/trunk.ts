import {
  adoptableTrunk,
  branchSubnetId,
  branded,
  type EniFacts,
  type NodeObserved,
  rebuiltFrom,
  refuseInstance,
  requestedTrunk,
  type SubnetId,
  type TrunkRecord,
  trunkIntent,
} from "@trunkline/core";
import type { Dependencies } from "./dependencies.ts";
import type { Purse } from "./tokens.ts";
import { attach, awaitAttached, settleDoubt } from "./trunk-attach.ts";
import { called, deadline, type Journey, type Onward, restAfter, tell, write } from "./trunk-journey.ts";
import { contextOf, type View } from "./view.ts";

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

/** A node without a trunk record: EC2 tells what it is and whose (P13). */
const request = async (journey: Journey, node: NodeObserved, from: TrunkRecord | undefined): Promise<Onward> => {
  const { dependencies, view } = journey;
  const { ec2, instanceLimits } = dependencies;
  const again = async (lookAt: number): Promise<Onward> => {
    const delaySeconds = Math.min(900, Math.max(1, Math.ceil((lookAt - dependencies.clock.now()) / 1_000)));
    await dependencies.outbox.send([{ to: "node-events", cluster: view.cluster, body: node, delaySeconds }]);
    return "rest";
  };
  const seen = await called(journey, "DescribeInstances", () => ec2.describeInstance(node.instanceId));
  if (!("value" in seen)) return again(seen.lookAt);
  const limits = seen.value === undefined ? "unknown" : instanceLimits(seen.value.instanceType);
  const refusal = refuseInstance(node.instanceId, seen.value, limits, view.cluster);
  if (refusal !== undefined || seen.value === undefined || limits === "unknown") {
    const { reason, detail } = refusal as NonNullable<typeof refusal>;
    await tell(journey, node, reason, detail);
    return "rest";
  }
  journey.instance = seen.value;
  const subnetId = branded<SubnetId>(branchSubnetId(node, seen.value));
  const subnet = await called(journey, "DescribeSubnets", () => ec2.describeSubnet(subnetId));
  if (!("value" in subnet)) return again(subnet.lookAt);
  if (subnet.value === undefined) {
    await tell(journey, node, "NodeTrunkFailedInit", `the subnet ${subnetId} does not exist`);
    return "rest";
  }
  if (subnet.value.vpcId !== seen.value.vpcId) {
    const detail = `the subnet ${subnetId} belongs to ${subnet.value.vpcId}, the instance to ${seen.value.vpcId}`;
    await tell(journey, node, "NodeTrunkFailedInit", detail);
    return "rest";
  }
  const facts = { node, instance: seen.value, subnet: subnet.value, limits };
  return write(journey, from, requestedTrunk(facts, contextOf(dependencies, view)));
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
