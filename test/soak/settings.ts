import type { BucketLimits } from "@trunkline/emulator-ec2";
import type { Overrides } from "@trunkline/local";
import type { SoakOptions } from "./options.ts";

/**
 * What a soak shortens, seconds. The times keep the order that they have in production: an outcome is dead when it can neither be in
 * its queue nor be held by a forwarder any more, and a tombstone outlives every message about its pod.
 */
export const seconds = {
  outcomeRetention: 60,
  outcomeHeld: 10,
  snapshot: 10,
  /** It reads every partition with all of its tombstones. */
  reaper: 10,
  /** The cool-downs that the ConfigMap goes through. */
  cooldowns: [2, 3, 4, 5],
} as const;

const bucket: BucketLimits = { capacity: 1_000, refillPerSecond: 200 };
const actions = [
  "AssociateTrunkInterface",
  "AttachNetworkInterface",
  "CreateNetworkInterface",
  "DeleteNetworkInterface",
  "DescribeInstances",
  "DescribeNetworkInterfaces",
  "DescribeSecurityGroups",
  "DescribeSubnets",
  "DisassociateTrunkInterface",
  "ModifyNetworkInterfaceAttribute",
] as const;

/** EC2's buckets, raised for the account and told to the pacer alike, so that pods come and go and do not wait for tokens. */
export const buckets: Readonly<Record<string, BucketLimits>> = Object.fromEntries(
  actions.map((action) => [action, bucket]),
);

/** What differs from the settings of the local world. */
export const overrides: Overrides = {
  quotas: buckets,
  durations: {
    cooldownFloorSeconds: 1,
    reuseIdleSeconds: 3,
    outcomeDeadSeconds: seconds.outcomeRetention + seconds.outcomeHeld + 5,
    stepDeadlineSeconds: 10,
    staleObservationSeconds: 45,
    snapshotVoidSeconds: 45,
    snapshotOverdueSeconds: 30,
    tombstoneSeconds: 300,
    orphanAgeSeconds: 15,
    sightingGapSeconds: 3,
  },
};

/** The instance types of the nodes, in turn: 9, 18 and 38 branches. */
export const instanceTypes = ["m5.large", "m5.xlarge", "m5.large", "c5.2xlarge", "m5.large"] as const;

/** What is said before a run, so that nobody takes its figures for an ordinary account's. */
export function preamble({ minutes, seed, nodes, pods, replicas }: SoakOptions): string {
  return [
    `soak: ${minutes} min, seed ${seed}: ${nodes} nodes, ${pods} pods, ${replicas} replica(s) of the forwarder.`,
    `EC2's buckets are raised to ${bucket.capacity} tokens, ${bucket.refillPerSecond} a second; the cool-down is ${seconds.cooldowns[0]} to ${seconds.cooldowns.at(-1)} s in place of 60;`,
    `outcomes live ${seconds.outcomeRetention} s in place of 240, snapshots come every ${seconds.snapshot} s in place of 300, and the reaper every ${seconds.reaper}.`,
  ].join("\n");
}
