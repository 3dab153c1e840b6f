import { afterEach, beforeEach, expect, test } from "vitest";
import type { ApiRequest } from "../ports/api.ts";
import {
  aNode,
  aPod,
  aPolicy,
  assigned,
  createScene,
  instanceId,
  paths,
  podEniKey,
  type Scene,
} from "../testing/scene.ts";

let scene: Scene;

beforeEach(() => {
  scene = createScene();
  scene.api.put(paths.nodes, aNode());
  scene.api.put(paths.policies, aPolicy("policy", ["sg-1"]));
  scene.api.put(paths.pods, aPod("db"));
});

afterEach(async () => {
  const stopped = scene.forwarder.stop();
  await scene.clock.advance(10_000);
  await stopped;
});

const isList = ({ path }: ApiRequest) => path.startsWith(paths.pods) && path.includes("nodeName");

/** The next lists of a node's pods are answered after so long, as when the process or the API server stands still. */
const stallLists = (milliseconds: number, times: number): void => {
  const { request } = scene.api;
  let left = times;
  scene.api.request = async (asked) => {
    const answer = await request(asked);
    if (!isList(asked) || left === 0) return answer;
    left -= 1;
    await new Promise<void>((resolve) => void scene.clock.after(milliseconds, resolve));
    return answer;
  };
};

test("P10: a snapshot is not sent when its list is older than ten seconds by then, and is taken anew", async () => {
  stallLists(11_000, 1);
  await scene.start();
  await scene.clock.advance(15_000);
  expect(scene.sent("NodeSnapshot")).toEqual([]);

  await scene.clock.advance(60_000);

  expect(scene.sent("NodeSnapshot")).toMatchObject([{ instanceId, pods: [{ podUid: "uid-db" }] }]);
});

test("P10: the time that a list takes counts against the time in which its snapshot must be sent", async () => {
  stallLists(6_000, 1);
  await scene.start();
  await scene.clock.advance(3_000);
  // SQS is away for five seconds: the list is then eleven seconds old, the event five.
  const { send } = scene.queues;
  const backAt = scene.clock.monotonic() + 9_000;
  scene.queues.send = (queue, bodies) =>
    scene.clock.monotonic() < backAt ? Promise.reject(new Error("no route to SQS")) : send(queue, bodies);
  await scene.clock.advance(20_000);

  expect(scene.sent("NodeSnapshot")).toEqual([]);
});

test("a snapshot whose list is refused is taken again before its next turn", async () => {
  scene.api.failNext(isList, { status: 500, body: { message: "etcd has no leader" } });
  await scene.start();
  await scene.clock.advance(5_000);
  expect(scene.sent("NodeSnapshot")).toEqual([]);
  expect(scene.logged.filter((line) => line.includes("etcd has no leader"))).toHaveLength(1);

  await scene.clock.advance(60_000);
  expect(scene.sent("NodeSnapshot")).toHaveLength(1);

  await scene.clock.advance(200_000);
  expect(scene.sent("NodeSnapshot")).toHaveLength(0);
});

test("a snapshot that the functions ask for while one is under way waits for it", async () => {
  stallLists(5_000, 1);
  await scene.start();
  await scene.clock.advance(2_000);
  scene.queues.deliver({ type: "SnapshotRequested", instanceId }, assigned("db"));
  await scene.clock.advance(1_000);
  expect(scene.api.get(paths.pods, "db")?.metadata.annotations?.[podEniKey]).toBeDefined();
  expect(scene.queues.deleted).toEqual(["2"]);
  await scene.clock.advance(5_000);

  expect(scene.api.requests.filter(isList)).toHaveLength(1);
  expect(scene.sent("NodeSnapshot")).toHaveLength(1);
  expect(scene.queues.deleted).toEqual(["2", "1"]);
});

test("a pod whose policies cannot be matched keeps no other pod of its node out of the snapshot", async () => {
  scene.api.put(paths.policies, {
    ...aPolicy("by-account", ["sg-2"], "web"),
    spec: { serviceAccountSelector: { matchLabels: { team: "a" } }, securityGroups: { groupIds: ["sg-2"] } },
  });
  scene.api.put(paths.serviceAccounts, { metadata: { name: "here", namespace: "default", labels: { team: "a" } } });
  const of = (serviceAccountName: string) => ({ ...(aPod("any").spec as object), serviceAccountName });
  scene.api.put(paths.pods, aPod("db", { spec: of("here") }));
  scene.api.put(paths.pods, aPod("orphan", { spec: of("deleted") }));
  await scene.start();
  await scene.clock.advance(2_000);

  const [snapshot] = scene.sent("NodeSnapshot");
  expect(snapshot?.pods).toMatchObject([
    { podUid: "uid-db", securityGroups: ["sg-2", "sg-1"] },
    { podUid: "uid-orphan", securityGroups: [], areGroupsUnknown: true },
  ]);
  expect(snapshot?.pods[0]).not.toHaveProperty("areGroupsUnknown");
});
