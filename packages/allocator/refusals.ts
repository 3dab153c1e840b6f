import { type BranchCall, type CallResult, groupRefusal } from "@trunkline/core";
import { reportCall } from "./calls.ts";
import type { Dependencies } from "./dependencies.ts";
import { emptyPurse, takeToken } from "./tokens.ts";
import type { View } from "./view.ts";

/**
 * Asks what is behind an `UnauthorizedOperation`: EC2 answers it also for a group of another VPC. Where a group explains the refusal it is the
 * pod's own and told in clear words; otherwise it counts against the cluster (P19). The happy path pays nothing for this.
 */
export const explained = async (
  dependencies: Dependencies,
  view: View,
  call: BranchCall,
  result: CallResult,
): Promise<CallResult> => {
  const { trunk } = view.partition;
  if (result.ok || call.kind !== "create" || result.failure.remedy !== "unauthorised" || trunk === undefined) {
    return result;
  }
  const denied = await takeToken(dependencies, emptyPurse(view.cluster, "clean-up"), "DescribeSecurityGroups");
  if (denied !== undefined) return result;
  const { request } = call.record;
  const seen = await dependencies.ec2.describeGroups(request.securityGroups);
  await reportCall(dependencies, "DescribeSecurityGroups", seen);
  const refusal = seen.ok ? groupRefusal(request, trunk, seen.value) : undefined;
  if (refusal === undefined) return result;
  const { code, detail: message } = refusal;
  return { ok: false, failure: { ...result.failure, remedy: "permanent", code, message } };
};
