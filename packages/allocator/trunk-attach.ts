import {
  doubtEndsAt,
  type EniFacts,
  freeDeviceIndex,
  type InstanceFacts,
  isOnInstance,
  lostTrunkText,
  nodeLookAt,
  noSlotText,
  proofDueAt,
  replacedTrunk,
  type TrunkRecord,
  trunkReadyOutcome,
} from "@trunkline/core";
import {
  type Called,
  called,
  deadline,
  type Journey,
  type Onward,
  rest,
  restAfter,
  tell,
  write,
} from "./trunk-journey.ts";

/** Repeats of one call that EC2 throttled or failed. */
const repeatsMax = 3;
/** EC2 shows an attachment so late, milliseconds. */
const attachingMilliseconds = 1_000;
/** A trunk ENI that EC2 does not show is looked for again so soon, milliseconds. */
const missingMilliseconds = 2_000;
/** A call that ran out of repeats or tokens is tried again so soon, milliseconds. */
const laterMilliseconds = 2_000;

/** Attaches the trunk ENI at the highest free device index and lets it end with its instance. */
export const attach = async (journey: Journey, trunk: TrunkRecord): Promise<Onward> => {
  const { dependencies, view } = journey;
  const { ec2, clock, settings, instanceLimits } = dependencies;
  const eniId = trunk.trunkEniId as NonNullable<TrunkRecord["trunkEniId"]>;
  const attached = await attachment(journey, trunk, eniId);
  if (attached === "missing") return restMissing(journey, trunk);
  if (attached === "no-slot") {
    const limits = instanceLimits(trunk.instanceType);
    const { instance } = journey;
    const isKnown = limits !== "unknown" && instance !== undefined;
    const detail = isKnown ? noSlotText(limits, instance) : "waiting for a free network interface";
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
  const status = "attached" as const;
  const next = { ...trunk, status, attachmentId, deviceIndex, stepDeadline: lookAt, eniMissingSince: undefined };
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
): Promise<Called<Attachment> | "no-slot" | "missing"> => {
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
    if ("value" in seen && seen.value === undefined && made !== undefined) return "missing";
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
export const awaitAttached = async (journey: Journey, trunk: TrunkRecord): Promise<Onward> => {
  const { dependencies, view } = journey;
  const { ec2, clock, settings, outbox } = dependencies;
  const eniId = trunk.trunkEniId as NonNullable<TrunkRecord["trunkEniId"]>;
  const seen = await called(journey, "DescribeNetworkInterfaces", () => ec2.describeEni(eniId));
  if (!("value" in seen)) return restAfter(journey, trunk, seen);
  if (seen.value === undefined) return restMissing(journey, trunk);
  if (!isOnInstance(seen.value, trunk)) return restUnattached(journey, trunk);
  if (seen.value.attachment?.status !== "attached") return rest(journey, trunk, clock.now() + attachingMilliseconds);
  const ready = {
    ...trunk,
    status: "ready" as const,
    stepDeadline: undefined,
    problem: undefined,
    eniMissingSince: undefined,
  };
  if ((await write(journey, trunk, ready)) === "rest") return "rest";
  const now = view.partition.trunk as TrunkRecord;
  const { cluster, instanceId } = now;
  // Nothing is claimed before a snapshot has come (P24): the next periodic one may be minutes away.
  const question = { to: "outcomes", cluster, body: { type: "SnapshotRequested", instanceId } } as const;
  // What annotations told of before is asked of EC2 now: before, nothing could be associated.
  const proofAt = proofDueAt(view.partition, dependencies);
  await outbox.send([
    trunkReadyOutcome(now, settings.backendVersion),
    ...(now.rebuilding === true ? [question] : []),
    ...(proofAt === undefined ? [] : [nodeLookAt(now, proofAt, clock.now())]),
  ]);
  return "rest";
};

/** A trunk ENI that EC2 does not show for the whole grace time is gone: the next generation begins anew (P13). */
const restMissing = async (journey: Journey, trunk: TrunkRecord): Promise<Onward> => {
  const { clock, settings } = journey.dependencies;
  const now = clock.now();
  const since = trunk.eniMissingSince ?? now;
  if (since + settings.notFoundGraceSeconds * 1_000 > now) {
    return rest(journey, { ...trunk, eniMissingSince: since }, now + missingMilliseconds);
  }
  return write(journey, trunk, replacedTrunk(trunk, deadline(journey)));
};

/** An attachment that EC2 does not show for the whole grace time was undone by somebody: the trunk ENI is attached once more. */
const restUnattached = async (journey: Journey, trunk: TrunkRecord): Promise<Onward> => {
  const { clock, settings } = journey.dependencies;
  const now = clock.now();
  const since = trunk.eniMissingSince ?? now;
  if (since + settings.notFoundGraceSeconds * 1_000 > now) {
    return rest(journey, { ...trunk, eniMissingSince: since }, now + missingMilliseconds);
  }
  return write(journey, trunk, {
    ...trunk,
    status: "created",
    attachmentId: undefined,
    deviceIndex: undefined,
    eniMissingSince: undefined,
    stepDeadline: deadline(journey),
  });
};

/**
 * Looks once more for the ENI of a ready trunk that somebody missed some time ago. It is replaced only when its instance is there and the ENI
 * still is not: with an instance that ends, the trunk ends too (P12, P13).
 */
export const settleDoubt = async (journey: Journey, trunk: TrunkRecord): Promise<Onward> => {
  const { dependencies } = journey;
  const { ec2, clock, outbox } = dependencies;
  const { trunkEniId: eniId } = trunk;
  const endsAt = doubtEndsAt(trunk, dependencies);
  if (endsAt === undefined || endsAt > clock.now() || eniId === undefined) return "rest";
  const seen = await called(journey, "DescribeNetworkInterfaces", () => ec2.describeEni(eniId));
  const instance = await instanceFacts(journey, trunk);
  if (!("value" in seen) || !("value" in instance)) {
    await outbox.send([nodeLookAt(trunk, clock.now() + missingMilliseconds, clock.now())]);
    return "rest";
  }
  if (isOnInstance(seen.value, trunk)) return write(journey, trunk, { ...trunk, eniMissingSince: undefined });
  if (endStates.includes(instance.value.state)) return "rest";
  if ((await write(journey, trunk, replacedTrunk(trunk, deadline(journey)))) === "rest") return "rest";
  await tell(journey, trunk, { reason: "NodeTrunkFailedInit", detail: lostTrunkText(eniId) });
  return "onward";
};

/** What becomes of such an instance is EC2's to tell, or the reaper's to find out. */
const endStates: readonly InstanceFacts["state"][] = ["shutting-down", "terminated"];
