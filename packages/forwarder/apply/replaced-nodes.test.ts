import type { NodeTrunkReady, NodeUid } from "@trunkline/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ApiAnswer, ApiRequest } from "../ports/api.ts";
import { aNode, createScene, instanceId, nodeUid, paths, podEniKey, type Scene } from "../testing/scene.ts";

const labels = { "vpc.amazonaws.com/has-trunk-attached": "false" };
const ready: NodeTrunkReady = {
  type: "NodeTrunkReady",
  instanceId,
  nodeName: "node-a",
  nodeUid,
  branchesMax: 9,
  backendVersion: "1",
};
let scene: Scene;

beforeEach(async () => {
  scene = createScene();
  scene.api.put(paths.nodes, aNode("node-a", { metadata: { name: "node-a", labels } }));
  await scene.start();
});

afterEach(async () => {
  const stopped = scene.forwarder.stop();
  await scene.clock.advance(10_000);
  await stopped;
});

const isStatus = ({ path }: ApiRequest) => path === "/api/v1/nodes/node-a/status";
const refusal = (field: string): ApiAnswer => ({
  status: 422,
  body: { message: `${field}: Invalid value`, details: { causes: [{ reason: "FieldValueInvalid", field }] } },
});
const complaints = () => scene.logged.filter((line) => line.includes("A node could not be patched"));

describe("a patch of a node", () => {
  test("that finds another node under the name is no failure", async () => {
    scene.api.failNext(isStatus, refusal("metadata.uid"));
    scene.queues.deliver(ready);
    await scene.clock.advance(10_000);

    expect(complaints()).toEqual([]);
    expect(scene.api.requests.filter(isStatus).length).toBeGreaterThan(1);
  });

  test("that is refused for something else is one", async () => {
    scene.api.failNext(isStatus, refusal("status.capacity"), 2);
    scene.queues.deliver(ready);
    await scene.clock.advance(10_000);

    expect(complaints()[0]).toContain("status.capacity: Invalid value");
  });
});

test("a node that comes back is not taken to have the trunk of before until that is told again", async () => {
  const capacity = () => {
    const status = scene.api.get(paths.nodes, "node-a")?.status as { capacity?: Record<string, string> } | undefined;
    return status?.capacity?.[podEniKey];
  };
  scene.queues.deliver(ready);
  await scene.clock.advance(1_000);
  expect(capacity()).toBe("9");

  scene.api.remove(paths.nodes, "node-a");
  await scene.clock.advance(1_000);
  scene.api.put(paths.nodes, aNode("node-a", { metadata: { name: "node-a", labels, uid: "uid-again" } }));
  await scene.clock.advance(10_000);
  expect(capacity()).toBeUndefined();

  scene.queues.deliver({ ...ready, nodeUid: "uid-again" as NodeUid });
  await scene.clock.advance(1_000);
  expect(capacity()).toBe("9");
});
