import {
  type AssociationFacts,
  associationsToProve,
  type Ec2Action,
  type Ec2Result,
  type EniFacts,
  type EniId,
  type Look,
  nodeLookAt,
  proofDueAt,
  proofSteps,
  putTrunk,
  type TrunkRecord,
} from "@trunkline/core";
import { reportCall } from "./calls.ts";
import type { Dependencies } from "./dependencies.ts";
import { emptyPurse, takeToken } from "./tokens.ts";
import { commitTo, contextOf, inTurn, type View } from "./view.ts";

/**
 * Asks EC2 about all branches of a node that only annotations tell of (P10): one search for the branches of its trunk ENI, whatever their number,
 * and one look at the associations that the annotations name. Clean-up and pods that wait go before; what cannot be asked now is asked later.
 */
export const proveBranches = async (dependencies: Dependencies, view: View): Promise<void> => {
  const { clock, outbox } = dependencies;
  const { trunk } = view.partition;
  if (trunk?.trunkEniId === undefined) return;
  const lookedAt = clock.now();
  const { trunkEniId } = trunk;
  const shown = await asked(dependencies, view, "DescribeNetworkInterfaces", () =>
    dependencies.ec2.findBranches(trunkEniId),
  );
  if (shown.kind === "answer") {
    const look = { enis: byId(shown.value), lookedAt };
    const associations = await associationsOf(dependencies, view, look);
    if (associations !== undefined) await judge(dependencies, view, { ...look, associations });
  }
  const dueAt = proofDueAt(view.partition, dependencies);
  if (dueAt === undefined) return;
  const now = clock.now();
  if (dueAt > now) await outbox.send([nodeLookAt(trunk, dueAt, now)]);
  else await askLater(dependencies, view);
};

/**
 * Some branches have no answer. That is written down, or all that want to know would ask again, each with messages of their own. A conflict is somebody
 * else's word about the trunk: then at worst somebody asks sooner.
 */
const askLater = async (dependencies: Dependencies, view: View): Promise<void> => {
  const { clock, outbox, settings } = dependencies;
  const now = clock.now();
  const trunkNow = (): TrunkRecord => view.partition.trunk as TrunkRecord;
  await inTurn(view, () => commitTo(dependencies, view, [putTrunk({ ...trunkNow(), proofFailedAt: now }, trunkNow())]));
  await outbox.send([nodeLookAt(trunkNow(), now + settings.notFoundGraceSeconds * 1_000, now)]);
};

const byId = (enis: readonly EniFacts[]): ReadonlyMap<EniId, EniFacts> => new Map(enis.map((eni) => [eni.eniId, eni]));

type Asked<Value> =
  | { readonly kind: "answer"; readonly value: Value }
  /** Throttled, or without a token: asked again later. */
  | { readonly kind: "later" }
  | { readonly kind: "refused" };

const asked = async <Value>(
  dependencies: Dependencies,
  view: View,
  action: Ec2Action,
  call: () => Promise<Ec2Result<Value>>,
): Promise<Asked<Value>> => {
  const denied = await takeToken(dependencies, emptyPurse(view.cluster, "background"), action);
  if (denied !== undefined) return { kind: "later" };
  const result = await call();
  await reportCall(dependencies, action, result);
  if (result.ok) return { kind: "answer", value: result.value };
  const { remedy } = result.failure;
  return { kind: remedy === "throttled" || remedy === "repeat" ? "later" : "refused" };
};

/**
 * The associations that annotations name. Where EC2 refuses the question, because one of them does not exist or the role may not ask, none counts as
 * proved: those ENIs are deleted without them one day.
 */
const associationsOf = async (
  dependencies: Dependencies,
  view: View,
  look: Look,
): Promise<readonly AssociationFacts[] | undefined> => {
  const ids = associationsToProve(view.partition, look);
  if (ids.length === 0) return [];
  const seen = await asked(dependencies, view, "DescribeTrunkInterfaceAssociations", () =>
    dependencies.ec2.describeAssociations(ids),
  );
  if (seen.kind === "later") return undefined;
  return seen.kind === "answer" ? seen.value : [];
};

/** A conflict is somebody else's word about that branch: the next look judges it again. */
const judge = async (
  dependencies: Dependencies,
  view: View,
  look: Look & { readonly associations: readonly AssociationFacts[] },
): Promise<void> => {
  for (const { writes, envelopes } of proofSteps(view.partition, look, contextOf(dependencies, view))) {
    // Told before it is written down: a pod may hear of it twice, but not never.
    if (envelopes.length > 0) await dependencies.outbox.send(envelopes);
    await commitTo(dependencies, view, writes);
  }
};
