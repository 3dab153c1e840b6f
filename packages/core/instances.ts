import { type Context, type Draft, decideStep, grantFor } from "./decision.ts";
import { endUnproven } from "./ends.ts";
import type { InstanceStateChanged } from "./events.ts";
import { branchLookAt } from "./messages-out.ts";
import { isPlaced, isUnproven, type PlacedBranch } from "./partition.ts";
import type { TrunkRecord } from "./records.ts";
import { stranded } from "./stranded.ts";
import { tombstone } from "./tombstones.ts";
import { putBranch, putTrunk } from "./writes.ts";

/** EC2 says what became of an instance: shutting down drains, terminated ends; a stopped instance keeps everything (P12). */
export const changeInstance = (draft: Draft, context: Context, event: Pick<InstanceStateChanged, "state">): void => {
  const { trunk } = draft.partition;
  if (event.state === "terminated") endInstance(draft, context);
  if (event.state !== "shutting-down" || trunk === undefined) return;
  if (trunk.status === "draining" || trunk.status === "gone") return;
  decideStep(draft, { writes: [putTrunk({ ...trunk, status: "draining" }, trunk)] });
};

/**
 * The instance is gone, and with it its trunk and all associations; its branch ENIs stay behind and are deleted, whatever they waited for:
 * nobody can use them any more (P12).
 */
export const endInstance = (draft: Draft, context: Context): void => {
  const { trunk, branches } = draft.partition;
  if (trunk !== undefined && trunk.status !== "gone") endTrunk(draft, trunk);
  for (const branch of branches) {
    if (branch.status === "waiting") decideStep(draft, { writes: [putBranch(tombstone(branch, context), branch)] });
    if (!isPlaced(branch)) continue;
    if (isUnproven(branch)) endUnproven(draft, context, branch);
    else deleteStranded(draft, context, branch);
  }
};

const endTrunk = (draft: Draft, trunk: TrunkRecord): void => {
  const { instanceId, nodeName, nodeUid, cluster } = trunk;
  decideStep(draft, {
    writes: [putTrunk({ ...trunk, status: "gone", stepDeadline: undefined }, trunk)],
    envelopes: [{ to: "outcomes", cluster, body: { type: "NodeTrunkGone", instanceId, nodeName, nodeUid } }],
  });
};

const deleteStranded = (draft: Draft, context: Context, branch: PlacedBranch): void => {
  const { owner, index } = branch;
  const ask = `delete:${owner}#${index}`;
  const grant = grantFor(draft, context, {
    key: ask,
    request: { cluster: context.cluster, unit: { DeleteNetworkInterface: 1 }, units: 1, priority: "clean-up" },
  });
  const isGranted = grant.granted > 0;
  const stepDeadline = isGranted ? context.now + context.settings.stepDeadlineSeconds * 1_000 : grant.wakeAt;
  decideStep(draft, {
    writes: [putBranch({ ...stranded(branch, context), stepDeadline }, branch)],
    envelopes: isGranted ? [] : [branchLookAt(branch, stepDeadline, context.now)],
    work: isGranted ? [{ kind: "branch", owner, index, ask, fresh: false }] : [],
  });
};
