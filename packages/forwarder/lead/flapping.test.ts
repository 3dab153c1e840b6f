import { afterEach, beforeEach, expect, test } from "vitest";
import { createReplicas, type Replica, type Replicas } from "../testing/replicas.ts";
import { aNode, aPod, aPolicy, paths } from "../testing/scene.ts";

let world: Replicas;
let leader: Replica;

/** Numbers in [0, 1) that are the same in every run: the generator of Park and Miller. */
const createRandom = (): (() => number) => {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
};

beforeEach(() => {
  world = createReplicas(createRandom());
  world.api.put(paths.policies, aPolicy("policy", ["sg-1"]));
});

afterEach(() => world.stop());

/** Leads for a while, loses the lease by a way to the API server that is gone, and leads again when it is back. */
const flap = async (milliseconds: number): Promise<void> => {
  await world.clock.advance(milliseconds);
  leader.cutOff();
  while (leader.forwarder.isLeader()) await world.clock.advance(500);
  leader.mend();
  while (!leader.forwarder.isLeader()) await world.clock.advance(500);
};

test("a leader whose terms are too short to tell every pod goes on in the next where the last one ended", async () => {
  const pods = 200;
  world.api.put(paths.nodes, aNode());
  for (let index = 0; index < pods; index += 1) world.api.put(paths.pods, aPod(`db-${index}`));
  const { send } = world.queues;
  // Four batches at once, each for 8 s: a term of 10 s tells less than half of the pods.
  world.queues.send = async (queue, bodies) => {
    await new Promise<void>((resolve) => void world.clock.after(8_000, resolve));
    return send(queue, bodies);
  };
  const told = () =>
    new Set(world.queues.sent.flatMap((event) => (event.type === "PodObserved" ? event.pod.podUid : [])));

  leader = await world.add("a");
  for (let term = 0; term < 6; term += 1) await flap(100);

  expect(told().size).toBe(pods);
});

test("a leader whose terms are too short to list every node takes a snapshot of each before long", async () => {
  const nodes = 48;
  for (let index = 0; index < nodes; index += 1) {
    const spec = { providerID: `aws:///us-west-2a/i-${String(index).padStart(8, "0")}` };
    world.api.put(paths.nodes, aNode(`node-${index}`, { spec }));
  }
  const listed = () =>
    new Set(world.queues.sent.flatMap((event) => (event.type === "NodeSnapshot" ? event.nodeName : [])));

  leader = await world.add("a");
  for (let term = 0; term < 10; term += 1) await flap(2_000);

  expect(listed().size).toBe(nodes);
});
