import { afterEach, beforeEach, expect, test } from "vitest";
import { createForwarder } from "../forwarder.ts";
import { createReplicas, type Replica, type Replicas } from "../testing/replicas.ts";
import { aNode, aPod, assigned, paths, podEniKey } from "../testing/scene.ts";

const podsEnding = 200;
const lease = { namespace: "kube-system", name: "trunkline-forwarder" };

let world: Replicas;
let leader: Replica;
/** How long SQS takes for a batch. */
let slowMilliseconds: number;

beforeEach(async () => {
  world = createReplicas();
  slowMilliseconds = 0;
  const { send } = world.queues;
  world.queues.send = async (queue, bodies) => {
    await new Promise<void>((resolve) => void world.clock.after(slowMilliseconds, resolve));
    return send(queue, bodies);
  };
  world.api.put(paths.nodes, aNode());
  for (let index = 0; index < podsEnding; index += 1) world.api.put(paths.pods, aPod(`db-${index}`));
  leader = await world.add("a");
  await world.clock.advance(5_000);
});

afterEach(async () => {
  slowMilliseconds = 0;
  await world.stop();
});

const gone = () => world.queues.sent.filter((event) => event.type === "PodGone").length;
const endPods = () => {
  for (let index = 0; index < podsEnding; index += 1) world.api.remove(paths.pods, `db-${index}`);
};
const holder = () => {
  const lease = world.api.get("/apis/coordination.k8s.io/v1/leases", "trunkline-forwarder");
  return (lease?.spec as { holderIdentity?: string } | undefined)?.holderIdentity;
};

test("events that wait while SQS is slow are all sent before the lease is given back", async () => {
  slowMilliseconds = 1_000;
  endPods();
  await world.clock.advance(10);
  expect(gone()).toBe(0);

  let isOver = false;
  const resigned = leader.forwarder.resign(20_000).then(() => {
    isOver = true;
  });
  while (!isOver) {
    if (gone() < podsEnding) expect(holder()).toBe("a");
    await world.clock.advance(100);
  }
  await resigned;

  expect(gone()).toBe(podsEnding);
  expect(holder()).toBe("");
  expect(world.logged.filter((line) => line.includes("not sent in time"))).toEqual([]);
});

test("what cannot be sent in time is counted, and told by the next leader", async () => {
  const next = await world.add("b");
  slowMilliseconds = 60_000;
  endPods();
  await world.clock.advance(10);
  // The batches under way keep all others waiting.
  slowMilliseconds = 0;

  const resigned = leader.forwarder.resign(5_000);
  await world.clock.advance(6_000);
  await resigned;
  expect(world.logged).toContain(
    `a warn Events were not sent in time; the next leader tells them again. {"left":${podsEnding}}`,
  );
  await world.clock.advance(5_000);

  expect(next.forwarder.isLeader()).toBe(true);
  const told = new Set(world.queues.sent.flatMap((event) => (event.type === "PodGone" ? [event.podUid] : [])));
  expect(told.size).toBe(podsEnding);
});

test("an outcome that comes in the last moment is applied before the lease is given back", async () => {
  const resigned = leader.forwarder.resign(5_000);
  await world.clock.advance(500);
  world.queues.deliver(assigned("db-7"));
  await world.clock.advance(6_000);
  await resigned;

  expect(world.api.get(paths.pods, "db-7")?.metadata.annotations?.[podEniKey]).toContain("eni-0123456789abcdef0");
  expect(holder()).toBe("");
});

test("a leader that loses the lease while it finishes acts no more, and does not lead again", async () => {
  slowMilliseconds = 60_000;
  endPods();
  await world.clock.advance(10);
  const resigned = leader.forwarder.resign(50_000);
  leader.cutOff();
  await world.clock.advance(11_000);
  leader.mend();
  await world.clock.advance(100_000);
  await resigned;

  expect(leader.forwarder.isLeader()).toBe(false);
});

test("a leader that loses the lease while it finishes has finished, and takes the lease no more", async () => {
  slowMilliseconds = 60_000;
  endPods();
  await world.clock.advance(10);
  let isOver = false;
  const resigned = leader.forwarder.resign(50_000).then(() => {
    isOver = true;
  });
  leader.cutOff();
  await world.clock.advance(11_000);
  leader.mend();
  await world.clock.advance(5_000);
  expect(isOver).toBe(true);

  const next = await world.add("b");
  await world.clock.advance(20_000);
  await resigned;

  expect(holder()).toBe("b");
  expect(next.forwarder.isLeader()).toBe(true);
});

test("a replica that is stopped before it knows the cluster takes no lease from the others meanwhile", async () => {
  const isNodes = ({ path }: { path: string }) => path.startsWith(paths.nodes);
  world.api.failNext(isNodes, { status: 500, body: { message: "etcd has no leader" } }, 3);
  const resigned = leader.forwarder.resign(1_000);
  await world.clock.advance(5_000);
  await resigned;
  const starting = createForwarder({
    api: world.api,
    queues: world.queues,
    clock: world.clock,
    random: () => 0.5,
    log: () => {},
    settings: {
      clusterName: "test",
      snapshotSeconds: 300,
      outcomeHeldSeconds: 60,
      cooldownSeconds: 60,
      cooldownFloorSeconds: 30,
      election: { identity: "late", leaseSeconds: 15, renewSeconds: 10, retrySeconds: 2, lease },
    },
  });
  const started = starting.start();
  await world.clock.advance(10);
  expect(starting.isReady()).toBe(false);

  await starting.resign(20_000);
  expect(starting.isReady()).toBe(false);
  await world.clock.advance(10_000);
  await started;

  expect(starting.isReady()).toBe(true);
  expect(holder()).toBe("");
  const stopped = starting.stop();
  await world.clock.advance(5_000);
  await stopped;
});
