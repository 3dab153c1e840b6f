import type { ClusterRecord, SubnetProbeRecord } from "./cluster-records.ts";
import type { Context } from "./decision.ts";
import type { TrunkRecord } from "./records.ts";
import type { Write } from "./transaction.ts";
import type { Deferral } from "./waiting.ts";

/** Pods behind a closed gate look again so late, milliseconds: whoever opens it wakes them (P16). */
const behindGateMilliseconds = 60_000;
/** While the circuit breaker is open, one call goes through in this time, milliseconds (P19). */
const breakerProbeMilliseconds = 60_000;
/** Distinct requests that must be refused alike before the breaker trips (P19). */
const breakerFailuresMax = 3;

/** Whether new ENIs may be created: freely, not now, or by one claim that writes down that it probes. */
export type Gate =
  | { readonly kind: "open" }
  | { readonly kind: "closed"; readonly deferral: Deferral }
  | { readonly kind: "probe"; readonly write: Write; readonly deferral: Deferral };

/** What stands between a trunk's pods and new ENIs: the cluster's maximum, its circuit breaker, a full subnet (P16, P19). */
export const gateOf = (context: Context, trunk: TrunkRecord): Gate => {
  const { limits, registration, now } = context;
  const wakeAt = now + behindGateMilliseconds;
  const count = registration?.eniCount ?? 0;
  if (limits.enisMax !== undefined && count >= limits.enisMax) {
    return {
      kind: "closed",
      deferral: { reason: "eni-quota", wakeAt, detail: `the cluster has ${count} of at most ${limits.enisMax} ENIs` },
    };
  }
  const openUntil = registration?.breaker?.openUntil;
  if (registration !== undefined && openUntil !== undefined) {
    const deferral = { reason: "cluster-paused", wakeAt, detail: "EC2 refuses interfaces of this cluster" } as const;
    if (openUntil > now) return { kind: "closed", deferral };
    return {
      kind: "probe",
      write: breakerWrite(registration, { openUntil: now + breakerProbeMilliseconds }),
      deferral,
    };
  }
  const probe = context.probes.get(trunk.subnetId);
  if (probe === undefined) return { kind: "open" };
  const detail = `the subnet ${trunk.subnetId} had no free address, or the account no free interface`;
  const deferral = { reason: "subnet-full", wakeAt, detail } as const;
  if (probe.probeAt > now) return { kind: "closed", deferral };
  const probeAt = now + context.settings.addressProbeSeconds * 1_000;
  return {
    kind: "probe",
    deferral,
    write: {
      kind: "put",
      record: { ...probe, version: probe.version + 1, probeAt },
      expect: [{ name: "version-is", version: probe.version }],
    },
  };
};

const breakerWrite = (registration: ClusterRecord, change: Partial<NonNullable<ClusterRecord["breaker"]>>): Write => ({
  kind: "put",
  record: {
    ...registration,
    version: registration.version + 1,
    breaker: { failures: registration.breaker?.failures ?? [], ...change },
  },
  expect: [{ name: "version-is", version: registration.version }],
});

/**
 * Counts an authorisation failure of a request. The breaker trips only when distinct groups or subnets fail alike: a single group of another
 * VPC is refused with the same code (P19). Undefined: nothing new.
 */
export const breakerFailure = (registration: ClusterRecord, request: string, now: number): Write | undefined => {
  const failures = registration.breaker?.failures ?? [];
  if (failures.includes(request) || failures.length >= breakerFailuresMax) return undefined;
  const all = [...failures, request];
  const openUntil = all.length >= breakerFailuresMax ? now + breakerProbeMilliseconds : undefined;
  return breakerWrite(registration, { failures: all, openUntil });
};

/** Closes the breaker after a creation that succeeded. Undefined: it knows of no failure. */
export const breakerSuccess = (registration: ClusterRecord | undefined): Write | undefined => {
  if (registration?.breaker === undefined) return undefined;
  const { breaker: _breaker, ...rest } = registration;
  return {
    kind: "put",
    record: { ...rest, version: registration.version + 1 },
    expect: [{ name: "version-is", version: registration.version }],
  };
};

/** Writes down that a subnet is full and that the node waits for it (P16). */
export const subnetFullWrites = (trunk: TrunkRecord, context: Context): readonly Write[] => {
  const { now, settings, probes } = context;
  const { subnetId, instanceId, cluster } = trunk;
  const probe: SubnetProbeRecord = {
    kind: "subnet-probe",
    subnetId,
    version: (probes.get(subnetId)?.version ?? 0) + 1,
    probeAt: now + settings.addressProbeSeconds * 1_000,
  };
  const expiresAt = now + settings.waitMaxSeconds * 1_000;
  return [
    { kind: "put", record: probe, expect: [] },
    {
      kind: "put",
      record: { kind: "subnet-waiter", subnetId, instanceId, cluster, version: 1, expiresAt },
      expect: [],
    },
  ];
};
