import type { Partition, SubnetId, SubnetProbeRecord } from "@trunkline/core";
import type { Dependencies } from "./dependencies.ts";

/**
 * The probe of a subnet that is known to be full (P16). Read only where a pod of the node waits for an address, so that nobody pays for it while
 * subnets have room.
 */
export const loadProbes = async (
  { ledger }: Dependencies,
  { trunk, branches }: Partition,
): Promise<ReadonlyMap<SubnetId, SubnetProbeRecord>> => {
  const waits = branches.some(
    (branch) => branch.status === "waiting" && (branch.reason === "subnet-full" || branch.reason === "eni-quota"),
  );
  if (trunk === undefined || !waits) return new Map();
  const probe = await ledger.get({ kind: "subnet-probe", subnetId: trunk.subnetId });
  return new Map(probe === undefined ? [] : [[trunk.subnetId, probe]]);
};
