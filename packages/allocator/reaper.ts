import type { EniFacts } from "@trunkline/core";
import { reportCall } from "./calls.ts";
import type { Dependencies } from "./dependencies.ts";
import { reapOrphans } from "./orphans.ts";
import { sweepCluster } from "./sweep.ts";
import { mayCall } from "./tokens.ts";

/** Pages of 1,000 ENIs that one run lists. */
const pagesMax = 10;

export interface ReaperRun {
  /** Where the next run goes on; absent when everything was listed. */
  readonly continuation?: string | undefined;
}

/**
 * Finds what has no message: overdue records, instances that ended without a word, and ENIs of ours that nobody wants. EC2 is listed before the
 * ledger is read, so that an ENI whose record is being written is never taken for an orphan (P23, S16).
 */
export const reap = async (dependencies: Dependencies, run: ReaperRun = {}): Promise<ReaperRun> => {
  const lookedAt = dependencies.clock.now();
  const listing = await listOurs(dependencies, run.continuation);
  const everything = run.continuation === undefined && listing.isComplete ? listing.enis : undefined;
  const look = everything && { enis: new Map(everything.map((eni) => [eni.eniId, eni])), lookedAt };
  if (run.continuation === undefined) {
    for (const cluster of dependencies.clusters) await sweepCluster(dependencies, cluster, look);
  }
  await reapOrphans(dependencies, listing.enis);
  if (everything !== undefined) await countEnis(dependencies, everything);
  return { continuation: listing.next };
};

/** Writes down how many ENIs each limited cluster has; the limit is soft, and checked against this count (P19). */
const countEnis = async (dependencies: Dependencies, enis: readonly EniFacts[]): Promise<void> => {
  const { ledger, clusters, clusterLimits } = dependencies;
  for (const cluster of clusters) {
    if (clusterLimits(cluster).enisMax === undefined) continue;
    const record = await ledger.get({ kind: "cluster", cluster });
    const eniCount = enis.filter((eni) => eni.cluster === cluster).length;
    if (record === undefined || record.eniCount === eniCount) continue;
    const next = { ...record, version: record.version + 1, eniCount };
    await ledger.commit([{ kind: "put", record: next, expect: [{ name: "version-is", version: record.version }] }]);
  }
};

interface Listing {
  readonly enis: readonly EniFacts[];
  readonly next?: string | undefined;
  /** False when pages are left, or could not be asked for. */
  readonly isComplete: boolean;
}

const listOurs = async (dependencies: Dependencies, from: string | undefined): Promise<Listing> => {
  const enis: EniFacts[] = [];
  let next = from;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    if (!(await mayCall(dependencies, "DescribeNetworkInterfaces"))) return { enis, next, isComplete: false };
    const page = await dependencies.ec2.listOurs(next);
    await reportCall(dependencies, "DescribeNetworkInterfaces", page);
    if (!page.ok) return { enis, next, isComplete: false };
    enis.push(...page.value.elements);
    next = page.value.next;
    if (next === undefined) return { enis, isComplete: true };
  }
  return { enis, next, isComplete: false };
};
