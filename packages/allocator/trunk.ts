import {
  adoptableTrunk,
  branchSubnetId,
  branded,
  type Ec2Action,
  type Ec2Failure,
  type Ec2Result,
  type EniFacts,
  freeDeviceIndex,
  type InstanceFacts,
  type NodeObserved,
  type NodeTrunkProblem,
  nodeLookAt,
  noSlotText,
  putTrunk,
  refuseInstance,
  requestedTrunk,
  type SubnetId,
  type TrunkRecord,
  trunkIntent,
  trunkReadyOutcome,
} from "@trunkline/core";
import { reportCall } from "./calls.ts";
import type { Dependencies } from "./dependencies.ts";
import { type Purse, takeToken } from "./tokens.ts";
import { commitTo, contextOf, inTurn, type View } from "./view.ts";

/** Steps that one worker makes for one trunk before a later look goes on. */
const stepsMax = 8;
/** Repeats of one call that EC2 throttled or failed. */
const repeatsMax = 3;
/** EC2 shows an attachment so late, milliseconds. */
const attachingMilliseconds = 1_000;
/** A call that ran out of repeats or tokens is tried again so soon, milliseconds. */
const laterMilliseconds = 2_000;

interface Journey {
  readonly dependencies: Dependencies;
  readonly view: View;
  readonly purse: Purse;
  readonly node: NodeObserved | undefined;
  instance: InstanceFacts | undefined;
}

/** Whether to go on with the next step; else somebody's message will. */
type Onward = "onward" | "rest";

/** The failure of a call that could not be made or did not succeed. */
type Called<Value> = { readonly value: Value } | { readonly failure?: Ec2Failure; readonly lookAt: number };

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
    case "draining":
    case "gone":
      return "rest";
  }
};

/** Makes one call with its tokens, and repeats it when that may help. */
const called = async <Value>(
  { dependencies, purse }: Journey,
  action: Ec2Action,
  call: () => Promise<Ec2Result<Value>>,
): Promise<Called<Value>> => {
  const later = (): number => dependencies.clock.now() + laterMilliseconds;
  for (let repeats = 0; repeats < repeatsMax; repeats += 1) {
    const denied = await takeToken(dependencies, purse, action);
    if (denied !== undefined) return { lookAt: denied };
    const result = await call();
    await reportCall(dependencies, action, result);
    if (result.ok) return { value: result.value };
    const { failure } = result;
    if (failure.remedy !== "throttled" && failure.remedy !== "repeat") return { failure, lookAt: later() };
  }
  return { lookAt: later() };
};

/** Writes the trunk down anew. A conflict is somebody else's step: the message of that worker goes on. */
const write = async (
  { dependencies, view }: Journey,
  from: TrunkRecord | undefined,
  next: Omit<TrunkRecord, "version">,
): Promise<Onward> => {
  const node = { kind: "cluster-node", cluster: next.cluster, instanceId: next.instanceId, version: 1 } as const;
  const writes = [
    putTrunk(next, from),
    ...(from === undefined ? [{ kind: "put", record: node, expect: [] } as const] : []),
  ];
  return (await inTurn(view, () => commitTo(dependencies, view, writes))) === "committed" ? "onward" : "rest";
};

const tell = async (
  { dependencies, view }: Journey,
  node: Pick<TrunkRecord, "nodeName" | "nodeUid">,
  reason: NodeTrunkProblem["reason"],
  detail: string,
): Promise<void> => {
  const { nodeName, nodeUid } = node;
  const body = { type: "NodeTrunkProblem", instanceId: view.instanceId, nodeName, nodeUid, reason, detail } as const;
  await dependencies.outbox.send([{ to: "outcomes", cluster: view.cluster, body }]);
};

/** Leaves the trunk as it is, tells a new problem once, and sends the message that will look again. */
const rest = async (
  journey: Journey,
  trunk: TrunkRecord,
  lookAt: number,
  problem?: Pick<NodeTrunkProblem, "reason" | "detail">,
): Promise<Onward> => {
  const { dependencies, view } = journey;
  const now = dependencies.clock.now();
  const next = { ...trunk, stepDeadline: lookAt, problem: problem?.detail ?? trunk.problem };
  if ((await write(journey, trunk, next)) === "rest") return "rest";
  if (problem !== undefined && problem.detail !== trunk.problem) {
    await tell(journey, trunk, problem.reason, problem.detail);
  }
  await dependencies.outbox.send([nodeLookAt({ ...trunk, cluster: view.cluster }, lookAt, now)]);
  return "rest";
};

/** What to do when a call did not succeed: a refusal is told to the node and tried again slowly. */
const restAfter = (
  journey: Journey,
  trunk: TrunkRecord,
  { failure, lookAt }: { readonly failure?: Ec2Failure; readonly lookAt: number },
): Promise<Onward> => {
  const slowly = journey.dependencies.clock.now() + journey.dependencies.settings.slotRetrySeconds * 1_000;
  if (failure === undefined) return rest(journey, trunk, lookAt);
  return rest(journey, trunk, slowly, { reason: "TrunkENICreationFailed", detail: failure.code });
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
  const facts = { node, instance: seen.value, subnet: subnet.value, limits };
  return write(journey, from, requestedTrunk(facts, contextOf(dependencies, view)));
};

const deadline = ({ dependencies }: Journey): number =>
  dependencies.clock.now() + dependencies.settings.stepDeadlineSeconds * 1_000;

/** Adopts a trunk ENI that an earlier worker made, or creates one. */
const create = async (journey: Journey, trunk: TrunkRecord): Promise<Onward> => {
  const { ec2 } = journey.dependencies;
  const found = await called(journey, "DescribeNetworkInterfaces", () => ec2.findTrunks(trunk.instanceId));
  if (!("value" in found)) return restAfter(journey, trunk, found);
  let eni: EniFacts | undefined = adoptableTrunk(trunk, found.value);
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
    status: "created",
    trunkEniId: eni.eniId,
    stepDeadline: deadline(journey),
    problem: undefined,
  });
};

/** Attaches the trunk ENI at the highest free device index and lets it end with its instance. */
const attach = async (journey: Journey, trunk: TrunkRecord): Promise<Onward> => {
  const { dependencies, view } = journey;
  const { ec2, clock, settings, instanceLimits } = dependencies;
  const eniId = trunk.trunkEniId as NonNullable<TrunkRecord["trunkEniId"]>;
  const attached = await attachment(journey, trunk, eniId);
  if (attached === "no-slot") {
    const limits = instanceLimits(trunk.instanceType);
    const detail = limits === "unknown" ? "waiting for a free network interface" : noSlotText(limits);
    const waiting = { ...trunk, status: "waiting-for-slot" as const };
    if ((await write(journey, trunk, waiting)) === "rest") return "rest";
    const now = view.partition.trunk as TrunkRecord;
    return rest(journey, now, clock.now() + settings.slotRetrySeconds * 1_000, {
      reason: "NodeTrunkFailedInit",
      detail,
    });
  }
  if (!("value" in attached)) return restAfter(journey, trunk, attached);
  const { attachmentId, deviceIndex } = attached.value;
  const kept = await called(journey, "ModifyNetworkInterfaceAttribute", () =>
    ec2.deleteOnTermination({ eniId, attachmentId }),
  );
  if (!("value" in kept)) return restAfter(journey, trunk, kept);
  const lookAt = clock.now() + attachingMilliseconds;
  const next = { ...trunk, status: "attached" as const, attachmentId, deviceIndex, stepDeadline: lookAt };
  if ((await write(journey, trunk, next)) === "rest") return "rest";
  await dependencies.outbox.send([nodeLookAt(trunk, lookAt, clock.now())]);
  return "rest";
};

type Attachment = Pick<NonNullable<EniFacts["attachment"]>, "attachmentId" | "deviceIndex">;

/** The attachment that exists, or a new one. A race on the index is looked at once more. */
const attachment = async (
  journey: Journey,
  trunk: TrunkRecord,
  eniId: NonNullable<TrunkRecord["trunkEniId"]>,
): Promise<Called<Attachment> | "no-slot"> => {
  const { ec2, instanceLimits } = journey.dependencies;
  let failed: Called<Attachment> = { lookAt: journey.dependencies.clock.now() + laterMilliseconds };
  for (let tries = 0; tries < repeatsMax; tries += 1) {
    const instance = await instanceFacts(journey, trunk);
    if (!("value" in instance)) return instance;
    const limits = instanceLimits(trunk.instanceType);
    const deviceIndex = limits === "unknown" ? undefined : freeDeviceIndex(instance.value, limits);
    const made =
      deviceIndex === undefined
        ? undefined
        : await called(journey, "AttachNetworkInterface", () =>
            ec2.attach({ eniId, instanceId: trunk.instanceId, deviceIndex }),
          );
    if (made !== undefined && deviceIndex !== undefined && "value" in made) {
      return { value: { attachmentId: made.value.attachmentId, deviceIndex } };
    }
    const seen = await called(journey, "DescribeNetworkInterfaces", () => ec2.describeEni(eniId));
    if ("value" in seen && seen.value?.attachment?.instanceId === trunk.instanceId) {
      return { value: seen.value.attachment };
    }
    if (made === undefined || ("failure" in made && made.failure?.remedy === "defer-slot")) return "no-slot";
    failed = "value" in made ? failed : made;
    if (!("failure" in made) || made.failure?.remedy !== "look-again") return failed;
    journey.instance = undefined;
  }
  return { lookAt: journey.dependencies.clock.now() + laterMilliseconds };
};

const instanceFacts = async (journey: Journey, trunk: TrunkRecord): Promise<Called<InstanceFacts>> => {
  if (journey.instance !== undefined) return { value: journey.instance };
  const { ec2, clock } = journey.dependencies;
  const seen = await called(journey, "DescribeInstances", () => ec2.describeInstance(trunk.instanceId));
  if (!("value" in seen)) return seen;
  if (seen.value === undefined) return { lookAt: clock.now() + laterMilliseconds };
  journey.instance = seen.value;
  return { value: seen.value };
};

/** Looks until EC2 shows the attachment, a second at a time and without sleeping. */
const awaitAttached = async (journey: Journey, trunk: TrunkRecord): Promise<Onward> => {
  const { dependencies, view } = journey;
  const { ec2, clock, settings, outbox } = dependencies;
  const eniId = trunk.trunkEniId as NonNullable<TrunkRecord["trunkEniId"]>;
  const seen = await called(journey, "DescribeNetworkInterfaces", () => ec2.describeEni(eniId));
  if (!("value" in seen)) return restAfter(journey, trunk, seen);
  if (seen.value?.attachment?.status !== "attached") return rest(journey, trunk, clock.now() + attachingMilliseconds);
  const ready = { ...trunk, status: "ready" as const, stepDeadline: undefined, problem: undefined };
  if ((await write(journey, trunk, ready)) === "rest") return "rest";
  await outbox.send([trunkReadyOutcome(view.partition.trunk as TrunkRecord, settings.backendVersion)]);
  return "rest";
};
