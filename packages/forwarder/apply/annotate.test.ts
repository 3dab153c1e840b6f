import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { aNode, aPod, assigned, createScene, paths, podEniKey, type Scene } from "../testing/scene.ts";

let scene: Scene;

beforeEach(async () => {
  scene = createScene();
  scene.api.put(paths.nodes, aNode());
  await scene.start();
});

afterEach(async () => {
  const stopped = scene.forwarder.stop();
  await scene.clock.advance(10_000);
  await stopped;
});

const deliver = async (...outcomes: readonly ReturnType<typeof assigned>[]) => {
  scene.queues.deliver(...outcomes);
  await scene.clock.advance(200);
};
const annotationOf = (name: string) => scene.api.get(paths.pods, name)?.metadata.annotations?.[podEniKey];
const patches = (path: string) =>
  scene.api.requests.filter((request) => request.method === "PATCH" && request.path === path);
const podPath = "/api/v1/namespaces/default/pods/db";

describe("an assigned ENI", () => {
  beforeEach(async () => {
    scene.api.put(paths.pods, aPod("db"));
    await scene.clock.advance(100);
  });

  test("is written in a request that tests the pod's UID and version", async () => {
    const version = scene.api.get(paths.pods, "db")?.metadata.resourceVersion;

    await deliver(assigned("db"));

    expect(patches(podPath).map((request) => request.body)).toMatchObject([
      [
        { op: "test", path: "/metadata/uid", value: "uid-db" },
        { op: "test", path: "/metadata/resourceVersion", value: version },
        { op: "add", path: "/metadata/annotations" },
      ],
    ]);
  });

  test("keeps the pod's other annotations", async () => {
    const pod = aPod("db");
    pod.metadata.annotations = { a: "b" };
    scene.api.put(paths.pods, pod);

    await deliver(assigned("db"));

    expect(scene.api.get(paths.pods, "db")?.metadata.annotations).toMatchObject({ a: "b" });
    expect(annotationOf("db")).toBeDefined();
  });

  test("is written after another look when the pod has changed meanwhile", async () => {
    scene.api.failNext(
      (request) => request.method === "PATCH" && request.path === podPath,
      { status: 409, body: {} },
      2,
    );

    await deliver(assigned("db"));

    expect(annotationOf("db")).toBeDefined();
    expect(patches(podPath)).toHaveLength(3);
  });

  test("is given up with an event after six looks, and tried again", async () => {
    const conflict = { status: 409, body: { message: "the object has been modified" } };
    scene.api.failNext((request) => request.method === "PATCH" && request.path === podPath, conflict, 6);

    await deliver(assigned("db"));

    expect(scene.events("db")).toContain(
      "BranchENIAnnotationFailed failed to annotate pod with branch ENI details: the object has been modified",
    );
    expect(annotationOf("db")).toBeDefined();
  });

  test.each<[string, () => void]>([
    ["ended", () => scene.api.put(paths.pods, aPod("db", { status: { phase: "Failed" } }))],
    ["was deleted", () => scene.api.remove(paths.pods, "db")],
    [
      "was replaced under its name",
      () => {
        const other = aPod("db");
        other.metadata.uid = "uid-other";
        scene.api.put(paths.pods, other);
      },
    ],
    [
      "is on a node that is another instance now",
      () => scene.api.put(paths.nodes, aNode("node-a", { spec: { providerID: "aws:///a/i-00000000000000001" } })),
    ],
  ])("is dropped when the pod %s", async (_, change) => {
    change();

    await deliver(assigned("db"));

    expect(annotationOf("db")).toBeUndefined();
    expect(patches(podPath)).toEqual([]);
    expect(scene.queues.deleted).toEqual(["1"]);
  });

  test("never changes an annotation that is there", async () => {
    await deliver(assigned("db"));
    const first = annotationOf("db");
    const [eni] = assigned("db").enis;

    await deliver(assigned("db", { enis: eni === undefined ? [] : [{ ...eni, vlanId: 2 }] }), assigned("db"));

    expect(annotationOf("db")).toBe(first);
    expect(patches(podPath)).toHaveLength(1);
  });

  test("waits while the API server is away, and is dropped after a minute", async () => {
    scene.api.failNext((request) => request.path === podPath, new Error("no connection"), 1_000);

    await deliver(assigned("db"));
    await scene.clock.advance(50_000);
    expect(scene.queues.deleted).toEqual([]);
    await scene.clock.advance(20_000);

    expect(scene.queues.deleted).toEqual(["1"]);
    expect(scene.logged.some((line) => line.includes("held too long"))).toBe(true);
  });
});
