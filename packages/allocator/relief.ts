import { type BranchCall, breakerFailure, breakerSuccess, type CallResult, type SubnetId } from "@trunkline/core";
import type { Dependencies } from "./dependencies.ts";
import type { View } from "./view.ts";

/** Pages of nodes that wait for one subnet. */
const pagesMax = 10;

/** Tells others what a call has shown: a subnet with room again, or a cluster that EC2 refuses (P16, P19). */
export const spreadWord = async (
  dependencies: Dependencies,
  view: View,
  call: BranchCall,
  result: CallResult,
): Promise<void> => {
  const { subnetId } = call.record.request;
  if (call.kind === "create" && result.ok) {
    if (view.probes.has(subnetId)) await relieve(dependencies, view, subnetId);
    await writeBreaker(dependencies, view, breakerSuccess(view.registration));
  }
  if (call.kind === "create" && !result.ok && result.failure.remedy === "unauthorised" && view.registration) {
    const { registration } = view;
    const request = [subnetId, ...call.record.request.securityGroups].join();
    await writeBreaker(dependencies, view, breakerFailure(registration, request, dependencies.clock.now()));
  }
  // What a pod gives back because there was not enough for all of its ENIs is no relief: it would be woken by its own step back.
  const reason = call.kind === "delete" ? call.record.wish?.reason : undefined;
  const isRelief = reason !== "subnet-full" && reason !== "eni-quota";
  if (call.kind === "delete" && result.ok && isRelief) await wakeWaiters(dependencies, subnetId);
};

/** The breaker is a matter of many calls: a conflict is somebody else's word, and this one is not missed. */
const writeBreaker = async (
  { ledger, telemetry }: Dependencies,
  view: View,
  write: ReturnType<typeof breakerFailure>,
): Promise<void> => {
  if (write?.kind !== "put" || write.record.kind !== "cluster") return;
  if ((await ledger.commit([write])) === "conflict") return;
  view.registration = write.record;
  if (write.record.breaker?.openUntil === undefined) return;
  telemetry.count("ClusterPaused", 1);
  telemetry.note("error", "EC2 refuses distinct requests of a cluster alike; it is paused but for one call a minute.", {
    cluster: view.cluster,
  });
};

/** A probe got its address: the subnet counts as free again. */
const relieve = async (dependencies: Dependencies, view: View, subnetId: SubnetId): Promise<void> => {
  view.probes = new Map();
  await dependencies.ledger.commit([{ kind: "delete", key: { kind: "subnet-probe", subnetId }, expect: [] }]);
  await lookAtWaiters(dependencies, subnetId);
};

/** An address was given back: when somebody waits for it, the next probe may begin at once. */
const wakeWaiters = async (dependencies: Dependencies, subnetId: SubnetId): Promise<void> => {
  const { ledger, clock } = dependencies;
  const probe = await ledger.get({ kind: "subnet-probe", subnetId });
  if (probe === undefined) return;
  const record = { ...probe, version: probe.version + 1, probeAt: clock.now() };
  await ledger.commit([{ kind: "put", record, expect: [{ name: "version-is", version: probe.version }] }]);
  await lookAtWaiters(dependencies, subnetId);
};

const lookAtWaiters = async ({ ledger, outbox }: Dependencies, subnetId: SubnetId): Promise<void> => {
  let next: string | undefined;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const page = await ledger.waitersOf(subnetId, next);
    const looks = page.elements.map(
      ({ instanceId, cluster }) =>
        ({ to: "node-events", cluster, body: { type: "NodeLook", instanceId }, delaySeconds: 0 }) as const,
    );
    if (looks.length > 0) await outbox.send(looks);
    next = page.next;
    if (next === undefined) return;
  }
};
