import type { Ec2Action, PacerState, Priority } from "@trunkline/core";

type BucketState = NonNullable<PacerState["buckets"][Ec2Action]>;
type QueueState = BucketState["queues"][Priority];

/** A queue in the table: virtual time, time of the last relief, tokens due, and what each cluster's work lacks. */
interface QueueRow {
  readonly v: number;
  readonly s: number;
  readonly d: number;
  readonly f: Readonly<Record<string, number>>;
}

/** A bucket in the table: tokens, rate share, calls made and throttled, and the queues ever used. */
interface BucketRow {
  readonly t: number;
  readonly r?: number;
  readonly m?: number;
  readonly x?: number;
  readonly q?: Readonly<Record<string, QueueRow>>;
}

/** The attributes that hold a pacer's state. */
export interface PacerAttributes {
  readonly at: number;
  readonly b: Readonly<Record<string, BucketRow>>;
}

const actionNames: Readonly<Record<Ec2Action, string>> = {
  CreateNetworkInterface: "C",
  DeleteNetworkInterface: "D",
  ModifyNetworkInterfaceAttribute: "M",
  AttachNetworkInterface: "T",
  AssociateTrunkInterface: "A",
  DisassociateTrunkInterface: "X",
  CreateTags: "G",
  DescribeNetworkInterfaces: "n",
  DescribeInstances: "i",
  DescribeSubnets: "s",
  DescribeSecurityGroups: "g",
  DescribeTrunkInterfaceAssociations: "a",
};

const priorityNames: Readonly<Record<Priority, string>> = { pod: "p", "clean-up": "c", background: "b" };

/** Four decimals. Down for tokens, so that none is made by rounding but for what floating point itself rounds. */
const down = (value: number) => Math.floor(value * 10_000 + 1e-6) / 10_000;
const near = (value: number) => Math.round(value * 10_000) / 10_000;

/** Makes the attributes of a state. What is as in a fresh bucket is left out: a write unit is 1 KB. */
export function pacerAttributesOf({ at, buckets }: PacerState): PacerAttributes {
  const rows = Object.entries(buckets).map(([action, bucket]) => [actionNames[action as Ec2Action], bucketRow(bucket)]);
  return { at, b: Object.fromEntries(rows) };
}

function bucketRow({ tokens, rateShare, made, throttled, queues }: BucketState): BucketRow {
  const used = Object.entries(queues).filter(([, queue]) => queue.virtualTime > 0 || queueIsWaiting(queue));
  return {
    t: down(tokens),
    ...(rateShare < 1 ? { r: near(rateShare) } : {}),
    ...(made > 0 ? { m: made } : {}),
    ...(throttled > 0 ? { x: throttled } : {}),
    ...(used.length > 0
      ? { q: Object.fromEntries(used.map(([name, queue]) => [priorityNames[name as Priority], queueRow(queue)])) }
      : {}),
  };
}

function queueIsWaiting(queue: QueueState): boolean {
  return Object.keys(queue.finishes).length > 0;
}

function queueRow({ virtualTime, since, due, finishes }: QueueState): QueueRow {
  const v = near(virtualTime);
  const lacks = Object.entries(finishes).map(([flow, finish]) => [flow, near(finish - v)] as const);
  return { v, s: near(since), d: near(due), f: Object.fromEntries(lacks.filter(([, lack]) => lack > 0)) };
}

/** Makes a state of its attributes. */
export function pacerStateOf({ at, b }: PacerAttributes): PacerState {
  const buckets: Partial<Record<Ec2Action, BucketState>> = {};
  for (const [action, name] of Object.entries(actionNames)) {
    const row = b[name];
    if (row !== undefined) buckets[action as Ec2Action] = bucketState(row);
  }
  return { at, buckets };
}

function bucketState({ t, r = 1, m = 0, x = 0, q = {} }: BucketRow): BucketState {
  return {
    tokens: t,
    rateShare: r,
    made: m,
    throttled: x,
    queues: {
      pod: queueState(q[priorityNames.pod]),
      "clean-up": queueState(q[priorityNames["clean-up"]]),
      background: queueState(q[priorityNames.background]),
    },
  };
}

function queueState({ v, s, d, f }: QueueRow = { v: 0, s: 0, d: 0, f: {} }): QueueState {
  const finishes = Object.entries(f).map(([flow, lack]) => [flow, v + lack]);
  return { virtualTime: v, since: s, due: d, finishes: Object.fromEntries(finishes) };
}
