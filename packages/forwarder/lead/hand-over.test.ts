import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FakeObject } from "../testing/fake-api.ts";
import { createReplicas, type Replica, type Replicas } from "../testing/replicas.ts";
import {
  aNode,
  aPod,
  aPolicy,
  assigned,
  incarnation,
  instanceId,
  nodeUid,
  paths,
  podEniKey,
} from "../testing/scene.ts";

const running = { phase: "Running", containerStatuses: [{ state: { running: {} } }] };

let world: Replicas;
let leader: Replica;
let standby: Replica;

beforeEach(async () => {
  world = createReplicas();
  world.api.put(paths.nodes, aNode());
  world.api.put(paths.policies, aPolicy("policy", ["sg-1"]));
  world.api.put(paths.pods, aPod("db", { status: running }));
  leader = await world.add("a");
  standby = await world.add("b");
  await world.clock.advance(5_000);
});

afterEach(() => world.stop());

const sent = (type: string) => world.queues.sent.filter((event) => event.type === type);
const writes = () => world.api.requests.filter(({ method, path }) => method !== "GET" && !path.includes("/leases"));

/** How many milliseconds pass until the standby leads. */
const handOver = async (): Promise<number> => {
  const startedAt = world.clock.monotonic();
  while (!standby.forwarder.isLeader()) await world.clock.advance(100);
  return world.clock.monotonic() - startedAt;
};

describe("a standby", () => {
  test("knows the policies, and tells and writes nothing", async () => {
    expect(standby.forwarder.isReady()).toBe(true);
    expect(standby.forwarder.isLeader()).toBe(false);
    expect(
      standby.forwarder.match({ namespace: "default", labels: { role: "db" }, serviceAccountName: "default" }),
    ).toMatchObject({ ok: true, groupIds: ["sg-1"] });
    expect(sent("PodObserved")).toHaveLength(1);
    expect(sent("NodeSnapshot")).toHaveLength(1);
    expect(writes().filter(({ path }) => path.endsWith("/cninodes"))).toHaveLength(1);
  });

  test("leads within 20 s of a leader's death, and tells everything again", async () => {
    leader.kill();
    const told = sent("PodObserved").length;

    expect(await handOver()).toBeLessThan(20_000);
    await world.clock.advance(2_000);

    expect(sent("PodObserved").slice(told)).toMatchObject([{ pod: { podUid: "uid-db", securityGroups: ["sg-1"] } }]);
    expect(sent("ClusterRegistered")).toHaveLength(2);
    expect(sent("NodeObserved").length).toBeGreaterThanOrEqual(2);
    expect(sent("NodeSnapshot")).toHaveLength(2);
  });

  test("leads two seconds after a leader that resigned", async () => {
    const resigned = leader.forwarder.resign(3_000);
    await world.clock.advance(3_020);
    await resigned;

    expect(await handOver()).toBeLessThanOrEqual(2_300);
    expect(leader.forwarder.isLeader()).toBe(false);
    expect(leader.forwarder.isReady()).toBe(true);
  });

  test("applies the outcomes that come after the hand-over", async () => {
    leader.kill();
    await handOver();
    world.queues.deliver(assigned("db"));
    await world.clock.advance(1_000);

    expect(world.api.get(paths.pods, "db")?.metadata.annotations?.[podEniKey]).toContain("eni-0123456789abcdef0");
  });
});

describe("a pod that ended while nobody led", () => {
  test("is told by the next leader with the version of its deletion", async () => {
    leader.kill();
    await world.clock.advance(3_000);
    world.api.remove(paths.pods, "db");
    const version = String(world.api.version);
    await handOver();
    await world.clock.advance(100);

    expect(sent("PodGone")).toEqual([
      {
        type: "PodGone",
        incarnation,
        instanceId,
        podUid: "uid-db",
        resourceVersion: version,
        how: "deleted",
        forcedGraceSeconds: 30,
      },
    ]);
  });

  test("is told also when its Node object was deleted before it", async () => {
    leader.kill();
    world.api.remove(paths.nodes, "node-a");
    world.api.remove(paths.pods, "db");
    await handOver();
    await world.clock.advance(100);

    expect(sent("PodGone")).toMatchObject([{ podUid: "uid-db", instanceId }]);
    expect(sent("NodeGone")).toMatchObject([{ instanceId, nodeUid }]);
  });

  test("is told when it holds ENIs and completes after its Node object was deleted, whoever leads", async () => {
    world.api.put(paths.pods, aPod("held", { status: running }));
    world.api.put(paths.pods, {
      ...aPod("held", { status: running }),
      metadata: { name: "held", namespace: "default", annotations: { [podEniKey]: "[]" } },
    });
    await world.clock.advance(1_000);
    world.api.remove(paths.nodes, "node-a");
    leader.kill();
    await handOver();
    world.api.put(paths.pods, {
      ...aPod("held", { status: { phase: "Succeeded" } }),
      metadata: { name: "held", namespace: "default", annotations: { [podEniKey]: "[]" } },
    });
    await world.clock.advance(1_000);

    expect(sent("PodGone")).toMatchObject([{ podUid: "uid-held", how: "terminal", instanceId }]);
  });

  test("is told when it completed and is still there", async () => {
    leader.kill();
    world.api.put(paths.pods, aPod("db", { status: { phase: "Succeeded" } }));
    await handOver();
    await world.clock.advance(100);

    expect(sent("PodGone")).toMatchObject([{ podUid: "uid-db", how: "terminal" }]);
  });

  test("is not told any more when it ended longer ago than the memory of ends reaches", async () => {
    world.api.remove(paths.pods, "db");
    await world.clock.advance(1_000);
    expect(sent("PodGone")).toHaveLength(1);
    await world.clock.advance(301_000);
    leader.kill();
    await handOver();
    await world.clock.advance(100);

    expect(sent("PodGone")).toHaveLength(1);
  });
});

test("a Node that came back while nobody led is not told to be gone", async () => {
  leader.kill();
  world.api.remove(paths.nodes, "node-a");
  world.api.put(paths.nodes, aNode());
  await handOver();
  await world.clock.advance(100);

  expect(sent("NodeGone")).toEqual([]);
});

describe("a leader that is cut off from the API server", () => {
  test("acts no more after ten seconds, and stands by when it is back", async () => {
    leader.cutOff();
    await world.clock.advance(10_100);
    expect(leader.forwarder.isLeader()).toBe(false);
    expect(standby.forwarder.isLeader()).toBe(false);
    await handOver();
    leader.mend();
    await world.clock.advance(60_000);

    expect([leader, standby].map(({ forwarder }) => forwarder.isLeader())).toEqual([false, true]);
    expect(leader.forwarder.isReady()).toBe(true);
  });

  test("leaves the outcomes that come then to the next leader", async () => {
    leader.cutOff();
    await world.clock.advance(10_100);
    world.queues.deliver(assigned("db"));
    await handOver();
    await world.clock.advance(1_000);

    expect(world.api.get(paths.pods, "db")?.metadata.annotations?.[podEniKey]).toContain("eni-0123456789abcdef0");
  });

  test("leads again with a memory of nothing, and tells everything again", async () => {
    standby.kill();
    const told = sent("PodObserved").length;
    leader.cutOff();
    await world.clock.advance(10_100);
    leader.mend();
    await world.clock.advance(20_000);

    expect(leader.forwarder.isLeader()).toBe(true);
    expect(sent("PodObserved").slice(told)).toHaveLength(1);
  });
});

test("K08, K17: a node that is registered again under another leader gets the features back that its CNINode had", async () => {
  const features = [{ name: "SecurityGroupsForPods" }];
  world.api.put(paths.cniNodes, { ...(world.api.get(paths.cniNodes, "node-a") as FakeObject), spec: { features } });
  await world.clock.advance(100);

  leader.kill();
  world.api.remove(paths.nodes, "node-a");
  world.api.remove(paths.cniNodes, "node-a");
  await handOver();
  world.api.put(paths.nodes, aNode());
  await world.clock.advance(5_000);

  expect(world.api.get(paths.cniNodes, "node-a")?.spec).toMatchObject({ features });
  expect(sent("NodeObserved").at(-1)).toMatchObject({ wantsTrunk: true });
});
