import type { Context } from "./decision.ts";
import type { PodEni, PodObserved } from "./events.ts";
import { branded, type PodUid } from "./ids.ts";
import { branchesOf } from "./partition.ts";
import type { Envelope } from "./ports.ts";
import type { AssociatedBranch, BranchRecord, Partition, TrunkRecord, WaitingBranch } from "./records.ts";

/** SQS delays a message at most so long. */
export const delaySecondsMax = 900;

/** Whole seconds until a time, as SQS takes them. A later time is reached by sending again. */
export const delayUntil = (at: number, now: number): number =>
  Math.min(delaySecondsMax, Math.max(0, Math.ceil((at - now) / 1_000)));

/** A message that looks at a branch when its time has come (P08). */
export const branchLookAt = (
  branch: Pick<BranchRecord, "instanceId" | "owner" | "index">,
  at: number,
  now: number,
): Envelope => ({
  to: "branch-cooldown",
  body: { type: "BranchLook", instanceId: branch.instanceId, owner: branch.owner, index: branch.index },
  delaySeconds: delayUntil(at, now),
});

/** A message that looks at a node when its time has come. */
export const nodeLookAt = (trunk: Pick<TrunkRecord, "instanceId" | "cluster">, at: number, now: number): Envelope => ({
  to: "node-events",
  cluster: trunk.cluster,
  body: { type: "NodeLook", instanceId: trunk.instanceId },
  delaySeconds: delayUntil(at, now),
});

/** What a copy of a chain must repeat of the observation that began it. */
export type Origin = Pick<PodObserved, "incarnation" | "nodeName" | "nodeUid">;

/** The delayed copy that wakes a waiting pod (P15). */
export const chainCopy = (waiting: WaitingBranch, origin: Origin, context: Context): Envelope => ({
  to: "pod-events",
  cluster: context.cluster,
  body: {
    type: "PodObserved",
    incarnation: origin.incarnation,
    instanceId: waiting.instanceId,
    nodeName: origin.nodeName,
    nodeUid: origin.nodeUid,
    pod: {
      podUid: branded<PodUid>(waiting.owner),
      namespace: waiting.namespace,
      name: waiting.name,
      resourceVersion: waiting.podVersion,
      enis: waiting.enis,
      securityGroups: waiting.securityGroups,
    },
    chain: waiting.chain,
  },
  delaySeconds: delayUntil(waiting.wakeAt, context.now),
});

const podEni = (branch: AssociatedBranch, trunk: TrunkRecord): PodEni => {
  const { formerSubnet } = trunk;
  const subnet = branch.request.subnetId === formerSubnet?.subnetId ? formerSubnet : trunk;
  return {
    eniId: branch.eni.eniId,
    ifAddress: branch.eni.mac,
    privateIp: branch.eni.privateIp,
    // A subnet may give IPv6 addresses by itself, also where the pod is to have none: with custom networking.
    ipv6Addr: branch.request.ipv6 ? branch.eni.ipv6 : "",
    vlanId: branch.vlanId,
    subnetCidr: subnet.subnetCidr,
    subnetV6Cidr: subnet.subnetV6Cidr,
    associationID: branch.associationId ?? "",
  };
};

/**
 * The outcome that annotates a pod, as soon as all of its ENIs are associated; nothing before, and nothing of ENIs that EC2 does not show as the
 * ledger has them.
 */
export const assignedOutcome = (partition: Partition, owner: string): readonly Envelope[] => {
  const { trunk } = partition;
  const branches = branchesOf(partition, owner)
    .filter((branch): branch is AssociatedBranch => branch.status === "associated")
    .toSorted((left, right) => left.index - right.index);
  const [first] = branches;
  if (trunk === undefined || first === undefined || branches.length < first.enis) return [];
  if (branches.some(({ unproven, doubt }) => unproven === true || doubt?.confirmed === true)) return [];
  return [
    {
      to: "outcomes",
      cluster: trunk.cluster,
      body: {
        type: "PodEniAssigned",
        podUid: branded<PodUid>(owner),
        namespace: first.namespace,
        name: first.name,
        instanceId: partition.instanceId,
        enis: branches.map((branch) => podEni(branch, trunk)),
      },
    },
  ];
};

/** The outcome that tells a node that its trunk is ready. */
export const trunkReadyOutcome = (trunk: TrunkRecord, backendVersion: string): Envelope => ({
  to: "outcomes",
  cluster: trunk.cluster,
  body: {
    type: "NodeTrunkReady",
    instanceId: trunk.instanceId,
    nodeName: trunk.nodeName,
    nodeUid: trunk.nodeUid,
    branchesMax: trunk.branchesMax,
    backendVersion,
  },
});
