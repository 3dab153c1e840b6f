import {
  branded,
  type Clock,
  type ClusterName,
  type Delivery,
  type Envelope,
  type Incarnation,
  type InstanceId,
  instanceLimits,
  instanceLimitsTable,
  type NodeEvent,
  type NodeObserved,
  type Pacer,
  type PodEvent,
  type PodGone,
  type PodObserved,
  type ResourceVersion,
  type SecurityGroupId,
  type Settings,
  type SubnetId,
} from "@trunkline/core";
import { testSettings } from "@trunkline/core/testing";
import type { Dependencies } from "../dependencies.ts";
import { handleBranchLooks, handleNodeEvents, handlePodEvents } from "../index.ts";
import { createFakeClock, createFakeIds, type FakeClock } from "./clock.ts";
import { createFakeEc2, type FakeEc2 } from "./ec2.ts";
import { createTap, type Tap, tapped } from "./faults.ts";
import { createInMemoryLedger, type InMemoryLedger } from "./ledger.ts";
import { createInMemoryOutbox, type InMemoryOutbox } from "./outbox.ts";
import { createFakePacer, type FakePacer } from "./pacer.ts";

/** The queues as one list, and the allocator behind them, in virtual time. */
export interface TestWorld {
  readonly dependencies: Dependencies;
  readonly clock: FakeClock;
  readonly ledger: InMemoryLedger;
  readonly ec2: FakeEc2;
  readonly pacer: FakePacer;
  readonly outbox: InMemoryOutbox;
  readonly tap: Tap;
  /** Notes that were made, by their text. */
  readonly notes: string[];
  /** Sends an event as the cluster would. */
  send(event: PodEvent | NodeEvent, cluster?: ClusterName): void;
  /** Delivers what is due, in the order of its time, until the given number of seconds from now has passed. */
  run(seconds: number): Promise<void>;
  /** Messages that are still under way. */
  pending(): readonly Envelope[];
}

/** Messages are delivered so many times before they count as dead letters. */
const receivesMax = 20;
/** Messages of one batch. */
const batchMax = 10;
/** A message whose handling failed comes again so soon, milliseconds. */
const visibilityMilliseconds = 180_000;

/** When test worlds begin, epoch milliseconds. */
export const testStart = 1_800_000_000_000;

export const testCluster: ClusterName = branded("blue");
export const testIncarnation: Incarnation = branded("5f0e6c4e-0000-4000-8000-000000000001");
export const testSubnet: SubnetId = branded("subnet-0000000000000000a");
export const testInstance: InstanceId = branded("i-0123456789abcdef0");

interface Queued {
  readonly envelope: Exclude<Envelope, { to: "outcomes" }>;
  readonly sentAt: number;
  dueAt: number;
  receiveCount: number;
  readonly messageId: string;
}

/**
 * Composes the allocator with in-memory ports.
 *
 * @param makePacer a pacer in the place of the one that grants what a test lets it grant
 */
export const createTestWorld = (changes: Partial<Settings> = {}, makePacer?: (clock: Clock) => Pacer): TestWorld => {
  const clock = createFakeClock(testStart);
  const ledger = createInMemoryLedger();
  const ec2 = createFakeEc2();
  const pacer = createFakePacer(clock);
  const outbox = createInMemoryOutbox(clock);
  const tap = createTap();
  const notes: string[] = [];
  const limits = instanceLimits(instanceLimitsTable);
  const dependencies: Dependencies = {
    ledger: tapped("ledger", ledger, tap, ["records", "writeUnits", "lose"]),
    pacer: tapped("pacer", makePacer?.(clock) ?? pacer, tap),
    ec2: tapped("ec2", ec2, tap),
    outbox: tapped("outbox", outbox, tap),
    clock,
    ids: createFakeIds(),
    telemetry: { count: () => undefined, note: (_level, message) => void notes.push(message) },
    settings: testSettings(changes),
    clusters: [testCluster],
    clusterLimits: (cluster) => ({ cluster }),
    instanceLimits: limits.of,
  };
  ec2.subnets.set(testSubnet, {
    subnetId: testSubnet,
    vpcId: "vpc-1",
    cidr: "192.168.0.0/16",
    ipv6Cidr: "",
    freeAddresses: 1_000,
  });
  const queue: Queued[] = [];
  let taken = 0;
  let messages = 0;
  const enqueue = (envelope: Queued["envelope"], sentAt: number, dueAt: number): void => {
    messages += 1;
    queue.push({ envelope, sentAt, dueAt, receiveCount: 0, messageId: `m-${messages}` });
  };
  const collect = (): void => {
    for (const { envelope, sentAt, dueAt } of outbox.sent.slice(taken)) {
      if (envelope.to !== "outcomes") enqueue(envelope, sentAt, dueAt);
    }
    taken = outbox.sent.length;
  };
  const take = (): readonly Queued[] => {
    const due = queue.filter(({ dueAt }) => dueAt <= clock.now()).toSorted((left, right) => left.dueAt - right.dueAt);
    const [first] = due;
    if (first === undefined) return [];
    const batch = due.filter(({ envelope }) => queueName(envelope) === queueName(first.envelope)).slice(0, batchMax);
    for (const message of batch) queue.splice(queue.indexOf(message), 1);
    return batch;
  };
  const deliver = async (batch: readonly Queued[]): Promise<void> => {
    for (const message of batch) message.receiveCount += 1;
    let failed: readonly string[];
    try {
      failed = await handle(dependencies, batch);
    } catch {
      failed = batch.map(({ messageId }) => messageId);
    }
    for (const message of batch.filter(({ messageId }) => failed.includes(messageId))) {
      if (message.receiveCount >= receivesMax) throw new Error(`A dead letter: ${JSON.stringify(message.envelope)}`);
      message.dueAt = clock.now() + visibilityMilliseconds;
      queue.push(message);
    }
    collect();
  };
  return {
    dependencies,
    clock,
    ledger,
    ec2,
    pacer,
    outbox,
    tap,
    notes,
    pending: () => queue.map(({ envelope }) => envelope),
    send: (event, cluster = testCluster) => {
      const to = event.type === "PodObserved" || event.type === "PodGone" ? "pod-events" : "node-events";
      enqueue({ to, cluster, body: event, delaySeconds: 0 } as Queued["envelope"], clock.now(), clock.now());
    },
    run: async (seconds) => {
      const until = clock.now() + seconds * 1_000;
      collect();
      for (;;) {
        const batch = take();
        if (batch.length > 0) {
          await deliver(batch);
          continue;
        }
        const next = Math.min(...queue.map(({ dueAt }) => dueAt));
        if (next > until) break;
        clock.advanceTo(next);
      }
      clock.advanceTo(until);
    },
  };
};

const queueName = (envelope: Queued["envelope"]): string =>
  envelope.to === "branch-cooldown" ? envelope.to : `${envelope.cluster}/${envelope.to}`;

const handle = (dependencies: Dependencies, batch: readonly Queued[]): Promise<readonly string[]> => {
  const delivery = <Event>(
    { sentAt, receiveCount, messageId }: Queued,
    cluster: ClusterName,
    event: Event,
  ): Delivery<Event> => ({
    event,
    cluster,
    sentAt,
    receiveCount,
    messageId,
  });
  const pods = batch.flatMap((queued) => {
    const { envelope } = queued;
    return envelope.to === "pod-events" ? [delivery(queued, envelope.cluster, envelope.body)] : [];
  });
  if (pods.length > 0) return handlePodEvents(dependencies, pods);
  const nodes = batch.flatMap((queued) => {
    const { envelope } = queued;
    return envelope.to === "node-events" ? [delivery(queued, envelope.cluster, envelope.body)] : [];
  });
  if (nodes.length > 0) return handleNodeEvents(dependencies, nodes);
  const looks = batch.flatMap((queued) => {
    const { envelope, sentAt, receiveCount, messageId } = queued;
    return envelope.to === "branch-cooldown" ? [{ event: envelope.body, sentAt, receiveCount, messageId }] : [];
  });
  return handleBranchLooks(dependencies, looks);
};

/** Runs an m5.large of the test cluster in the fake EC2: 9 branches, 3 interfaces. */
export const addInstance = (
  world: TestWorld,
  instanceId: InstanceId = testInstance,
  instanceType = "m5.large",
): InstanceId => {
  world.ec2.instances.set(instanceId, {
    instanceId,
    state: "running",
    instanceType,
    vpcId: "vpc-1",
    subnetId: testSubnet,
    securityGroups: [branded<SecurityGroupId>("sg-0000000000000000e")],
    clusters: [testCluster],
    deviceIndexes: [0],
    interfacesAttached: 1,
  });
  return instanceId;
};

/** A node as the forwarder reports it. */
export const nodeObserved = (
  instanceId: InstanceId = testInstance,
  changes: Partial<NodeObserved> = {},
): NodeObserved => ({
  type: "NodeObserved",
  incarnation: testIncarnation,
  instanceId,
  nodeName: `node-${instanceId}`,
  nodeUid: branded(`uid-of-${instanceId}`),
  resourceVersion: branded<ResourceVersion>("100"),
  wantsTrunk: true,
  ...changes,
});

/** The UID of the test's n-th pod. */
export const podUid = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

/** A pod that is bound to a node, as the forwarder reports it. */
export const podObserved = (
  number: number,
  pod: Partial<PodObserved["pod"]> = {},
  changes: Partial<PodObserved> = {},
): PodObserved => {
  const instanceId = changes.instanceId ?? testInstance;
  return {
    type: "PodObserved",
    incarnation: testIncarnation,
    instanceId,
    nodeName: `node-${instanceId}`,
    nodeUid: branded(`uid-of-${instanceId}`),
    pod: {
      podUid: branded(podUid(number)),
      namespace: "default",
      name: `pod-${number}`,
      resourceVersion: branded<ResourceVersion>("200"),
      enis: 1,
      securityGroups: ["sg-0000000000000000a"],
      ...pod,
    },
    ...changes,
  };
};

/** The end of a pod, as the forwarder reports it. */
export const podGone = (number: number, changes: Partial<PodGone> = {}): PodGone => ({
  type: "PodGone",
  incarnation: testIncarnation,
  instanceId: testInstance,
  podUid: branded(podUid(number)),
  resourceVersion: branded<ResourceVersion>("300"),
  how: "deleted",
  ...changes,
});

/** An event as its queue delivers it. */
export const delivered = <Event>(event: Event, changes: Partial<Delivery<Event>> = {}): Delivery<Event> => ({
  event,
  cluster: testCluster,
  sentAt: testStart,
  receiveCount: 1,
  messageId: "m",
  ...changes,
});
