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

  test("K53: is written in a request that tests the pod's UID and version", async () => {
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

  test("P11: is not written when it has been held too long by the time at which the pod is known", async () => {
    const { request } = scene.api;
    scene.api.failNext(isPatch, { status: 409, body: { message: "the object has been modified" } });
    // A process that stands still while the answer is on its way.
    scene.api.request = async (asked) => {
      const isPod = asked.method === "GET" && asked.path === podPath;
      // Somebody else has written to the pod, so that it is worth another patch.
      if (isPod) scene.api.put(paths.pods, aPod("db"));
      const answer = await request(asked);
      if (isPod) await new Promise<void>((resolve) => void scene.clock.after(61_000, resolve));
      return answer;
    };

    await deliver(assigned("db"));
    await scene.clock.advance(70_000);

    expect(patches(podPath)).toHaveLength(1);
    expect(annotationOf("db")).toBeUndefined();
    expect(scene.queues.deleted).toHaveLength(1);
  });

  const isPatch = (request: { method: string; path: string }) => request.method === "PATCH" && request.path === podPath;
  /** Refuses the next writes because somebody else has just written to the pod. */
  const changeMeanwhile = (answer: { status: number; body: object }, times: number) =>
    scene.api.failNext(
      (request) => {
        if (isPatch(request)) scene.api.put(paths.pods, aPod("db"));
        return isPatch(request);
      },
      answer,
      times,
    );

  test.each([
    ["409, a conflict", { status: 409, body: { message: "the object has been modified" } }],
    ["422, a failed test", { status: 422, body: { message: "the server rejected our request" } }],
  ])("is written after another look when the pod has changed meanwhile (%s)", async (_, answer) => {
    changeMeanwhile(answer, 2);

    await deliver(assigned("db"));

    expect(annotationOf("db")).toBeDefined();
    expect(patches(podPath)).toHaveLength(3);
  });

  test("is given up with an event after six looks, and tried again", async () => {
    changeMeanwhile({ status: 409, body: { message: "the object has been modified" } }, 6);

    await deliver(assigned("db"));

    expect(scene.events("db")).toContain(
      "BranchENIAnnotationFailed failed to annotate pod with branch ENI details: the object has been modified",
    );
    expect(annotationOf("db")).toBeDefined();
  });

  test.each([
    ["403, without the right", 403, 'pods "db" is forbidden: User "a" cannot patch resource "pods"'],
    ["422, by a guard", 422, "ValidatingAdmissionPolicy denied request: only the forwarder"],
    ["409, though nothing changed", 409, "Operation cannot be fulfilled"],
  ])(
    "K66: that is refused with %s is told in one event and the log, and tried again slowly",
    async (_, status, message) => {
      scene.api.failNext(isPatch, { status, body: { message } }, 1_000);

      await deliver(assigned("db"));
      await scene.clock.advance(70_000);

      expect(scene.events("db").filter((event) => event.includes(message))).toEqual([
        `BranchENIAnnotationFailed failed to annotate pod with branch ENI details: ${message}`,
      ]);
      expect(scene.logged.filter((line) => line.startsWith("warn An annotation is refused")).length).toBeGreaterThan(0);
      expect(patches(podPath).length).toBeLessThan(30);
      expect(scene.queues.deleted).toEqual(["1"]);
      const counted = scene.api.requests.filter((request) => (request.body as { count?: number } | null)?.count === 2);
      expect(counted).toEqual([]);
    },
  );

  test("K62: is told once although its outcome is delivered twice", async () => {
    await deliver(assigned("db"), assigned("db"));
    await scene.clock.advance(70_000);
    await deliver(assigned("db"));

    const told = scene.api.requests.filter(
      (request) => (request.body as { reason?: string } | undefined)?.reason === "ResourceAllocated",
    );
    expect(told).toHaveLength(1);
    expect(patches(podPath)).toHaveLength(1);
  });

  test("K62: is told also by a leader that finds it written by one that ended before it told", async () => {
    const pod = aPod("written");
    const value = JSON.stringify(assigned("written").enis);
    pod.metadata.annotations = { [podEniKey]: value };
    scene.api.put(paths.pods, pod);

    await deliver(assigned("written"));

    expect(scene.events("written")).toEqual([`ResourceAllocated Allocated ${value} to the pod`]);
    expect(patches("/api/v1/namespaces/default/pods/written")).toEqual([]);
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
  ])("K53: is dropped when the pod %s", async (_, change) => {
    change();

    await deliver(assigned("db"));

    expect(annotationOf("db")).toBeUndefined();
    expect(patches(podPath)).toEqual([]);
    expect(scene.queues.deleted).toEqual(["1"]);
  });

  test("K54: never changes an annotation that is there", async () => {
    await deliver(assigned("db"));
    const first = annotationOf("db");
    const [eni] = assigned("db").enis;

    await deliver(assigned("db", { enis: eni === undefined ? [] : [{ ...eni, vlanId: 2 }] }), assigned("db"));

    expect(annotationOf("db")).toBe(first);
    expect(patches(podPath)).toHaveLength(1);
  });

  test.each([
    ["that is not JSON", "eni-0123", "is not JSON"],
    ["with VLAN ID 0", '[{"eniId":"eni-01234567","vlanId":0}]', "has an element 0 that has no vlanId from 1 to 4094"],
  ])("K54: never overwrites an annotation %s, and says once what is wrong with it", async (_, annotation, problem) => {
    const pod = aPod("foreign");
    pod.metadata.annotations = { [podEniKey]: annotation };
    scene.api.put(paths.pods, pod);
    await deliver(assigned("foreign"));
    scene.api.put(paths.pods, { ...pod, status: { phase: "Running" } });
    await scene.clock.advance(100);

    expect(annotationOf("foreign")).toBe(annotation);
    expect(scene.events("foreign")).toEqual([
      `BranchENIAnnotationFailed failed to annotate pod with branch ENI details: the pod has an annotation vpc.amazonaws.com/pod-eni already, which is never overwritten and ${problem}; recreate the pod`,
    ]);
    expect(scene.logged.filter((line) => line.includes("cannot be read and is never overwritten"))).toHaveLength(1);
    scene.queues.deliver({ type: "SnapshotRequested", instanceId: assigned("foreign").instanceId });
    await scene.clock.advance(2_000);
    const told = scene
      .sent("NodeSnapshot")
      .at(-1)
      ?.pods.find(({ podUid }) => podUid === "uid-foreign");
    expect(told).toMatchObject({ isAnnotationUnreadable: true });
  });

  test.each([
    ["in other case", (value: string) => value.replace("eniId", "ENIID").replace("vlanId", "vlanID")],
    ["with VLAN ID 999", (value: string) => value.replace('"vlanId":1', '"vlanId":999')],
    ["without the keys of today", (value: string) => value.replace('"ipv6Addr":"",', "")],
  ])("K51: takes an annotation %s for what it says", async (_, change) => {
    const pod = aPod("other");
    pod.metadata.annotations = { [podEniKey]: change(JSON.stringify(assigned("other").enis)) };
    scene.api.put(paths.pods, pod);
    await scene.clock.advance(2_000);

    expect(scene.events("other")).toEqual([]);
    scene.queues.deliver({ type: "SnapshotRequested", instanceId: assigned("other").instanceId });
    await scene.clock.advance(2_000);
    const told = scene
      .sent("NodeSnapshot")
      .at(-1)
      ?.pods.find((facts) => facts.podUid === "uid-other");
    expect(told?.annotation?.[0]?.eniId).toBe("eni-0123456789abcdef0");
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
