import {
  branchSubnetId,
  branded,
  movedTrunk,
  type NodeObserved,
  putTrunk,
  refuseInstance,
  requestedTrunk,
  type SubnetId,
  type TrunkFacts,
  type TrunkRecord,
} from "@trunkline/core";
import { called, conflictsMax, type Journey, type Onward, tell, write } from "./trunk-journey.ts";
import { commitTo, contextOf, inTurn, reloadView } from "./view.ts";

/** A node without a trunk record: EC2 tells what it is and whose (P13). */
export const request = async (journey: Journey, node: NodeObserved, from: TrunkRecord | undefined): Promise<Onward> => {
  const facts = await lookUp(journey, node);
  if (facts === undefined) return "rest";
  return write(journey, from, requestedTrunk(facts, contextOf(journey.dependencies, journey.view)));
};

/**
 * Lets the branches of a trunk be created where the node's ENIConfig says now. Whatever step the trunk is at goes on, so that a conflict is met by
 * writing the same to what is there now.
 */
export const move = async (journey: Journey, node: NodeObserved): Promise<void> => {
  const { dependencies, view } = journey;
  const facts = await lookUp(journey, node);
  for (let conflicts = 0; facts !== undefined && conflicts < conflictsMax; conflicts += 1) {
    const { trunk } = view.partition;
    if (trunk === undefined) return;
    const writes = [putTrunk(movedTrunk(trunk, facts), trunk)];
    if ((await inTurn(view, () => commitTo(dependencies, view, writes))) === "committed") return;
    await reloadView(dependencies, view);
  }
};

/** What EC2 shows of a node. Undefined: the node was told why it cannot be served, or its observation comes again later. */
const lookUp = async (journey: Journey, node: NodeObserved): Promise<TrunkFacts | undefined> => {
  const { dependencies, view } = journey;
  const { ec2, instanceLimits, clock, outbox } = dependencies;
  const again = async (lookAt: number): Promise<undefined> => {
    const delaySeconds = Math.min(900, Math.max(1, Math.ceil((lookAt - clock.now()) / 1_000)));
    await outbox.send([{ to: "node-events", cluster: view.cluster, body: node, delaySeconds }]);
    return undefined;
  };
  const seen = await called(journey, "DescribeInstances", () => ec2.describeInstance(node.instanceId));
  if (!("value" in seen)) return again(seen.lookAt);
  const instance = seen.value;
  const limits = instance === undefined ? "unknown" : instanceLimits(instance.instanceType);
  const refusal = refuseInstance(node.instanceId, instance, limits, view.cluster);
  if (refusal !== undefined || instance === undefined || limits === "unknown") {
    const { reason, detail } = refusal as NonNullable<typeof refusal>;
    await tell(journey, node, { reason, detail });
    return undefined;
  }
  journey.instance = instance;
  const subnetId = branded<SubnetId>(branchSubnetId(node, instance));
  const found = await called(journey, "DescribeSubnets", () => ec2.describeSubnet(subnetId));
  if (!("value" in found)) return again(found.lookAt);
  const subnet = found.value;
  if (subnet?.vpcId === instance.vpcId) return { node, instance, subnet, limits };
  const detail =
    subnet === undefined
      ? `the subnet ${subnetId} does not exist`
      : `the subnet ${subnetId} belongs to ${subnet.vpcId}, the instance to ${instance.vpcId}`;
  await tell(journey, node, { reason: "NodeTrunkFailedInit", detail });
  return undefined;
};
