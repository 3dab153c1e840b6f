import {
  type BranchCall,
  type CallResult,
  type Ec2Action,
  type Ec2Result,
  type EniFacts,
  intentOf,
  isEniKnown,
} from "@trunkline/core";
import type { Dependencies } from "./dependencies.ts";
import type { View } from "./view.ts";

/** Makes the EC2 call that carries a branch on. */
export const makeCall = async (dependencies: Dependencies, view: View, call: BranchCall): Promise<CallResult> => {
  const { ec2 } = dependencies;
  const intent = intentOf(call.record, view.cluster);
  switch (call.kind) {
    case "create": {
      const { request, vlanId, trunkEniId } = call.record;
      const { subnetId, securityGroups, ipv6 } = request;
      const made = await ec2.createBranchEni({ intent, subnetId, securityGroups, ipv6, vlanId, trunkEniId });
      return withEni(made);
    }
    case "find":
      return withFound(view, await ec2.findByIntent(intent));
    case "associate": {
      const { eni, trunkEniId, vlanId } = call.record;
      const made = await ec2.associate({ intent, eniId: eni.eniId, trunkEniId, vlanId });
      return made.ok ? { ok: true, associationId: made.value.associationId } : made;
    }
    case "disassociate":
      return plain(await ec2.disassociate(call.associationId));
    case "delete":
      return plain(await ec2.deleteEni(call.eniId));
  }
};

const plain = (result: Ec2Result<unknown>): CallResult => (result.ok ? { ok: true } : result);

const eniOf = ({ eniId, mac, privateIp, ipv6 }: EniFacts) => ({ eniId, mac, privateIp, ipv6 });

const withEni = (result: Ec2Result<EniFacts>): CallResult =>
  result.ok ? { ok: true, eni: eniOf(result.value) } : result;

/** An ENI that some record of the partition names already is not the intent's to take (P06). */
const withFound = (view: View, result: Ec2Result<readonly EniFacts[]>): CallResult => {
  if (!result.ok) return result;
  const found = result.value.find((eni) => !isEniKnown(view.partition, eni.eniId));
  return { ok: true, eni: found === undefined ? undefined : eniOf(found) };
};

/** Counts a call and tells the pacer of it, which learns from the share of throttled ones (P18). */
export const reportCall = async (
  { pacer, telemetry }: Dependencies,
  action: Ec2Action,
  result: { readonly ok: boolean; readonly failure?: { readonly remedy: string; readonly code: string } },
): Promise<void> => {
  telemetry.count("Ec2Calls", 1, { action });
  const throttled = !result.ok && result.failure?.remedy === "throttled";
  await pacer.report({ [action]: { made: 1, throttled: throttled ? 1 : 0 } });
  if (result.ok || result.failure === undefined) return;
  telemetry.count("Ec2Failures", 1, { action, code: result.failure.code });
};
