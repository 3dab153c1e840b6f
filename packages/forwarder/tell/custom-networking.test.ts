import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FakeObject } from "../testing/fake-api.ts";
import { aNode, createScene, paths, type Scene } from "../testing/scene.ts";

const feature = { name: "SecurityGroupsForPods" };
let scene: Scene;

beforeEach(() => {
  scene = createScene();
});

afterEach(async () => {
  const stopped = scene.forwarder.stop();
  await scene.clock.advance(10_000);
  await stopped;
});

describe("custom networking", () => {
  const labels = { "kubernetes.io/os": "linux", "vpc.amazonaws.com/has-trunk-attached": "false" };
  const labelled = aNode("node-a", {
    metadata: { name: "node-a", labels: { ...labels, "vpc.amazonaws.com/eniConfig": "zone-a" } },
  });
  const withLabels = (wanted: Record<string, string>) => ({ metadata: { name: "node-a", labels: wanted } });
  const eniConfig = (subnet: string): FakeObject => ({
    metadata: { name: "zone-a" },
    spec: { subnet, securityGroups: ["sg-1"] },
  });

  test("a node is told with its ENIConfig", async () => {
    scene.api.put(paths.eniConfigs, eniConfig("subnet-01234567"));
    scene.api.put(paths.nodes, labelled);
    await scene.start();

    expect(scene.sent("NodeObserved")).toMatchObject([
      { wantsTrunk: true, eniConfig: { name: "zone-a", subnetId: "subnet-01234567", securityGroups: ["sg-1"] } },
    ]);
  });

  test("K73: a node whose ENIConfig is missing waits for it and is told so", async () => {
    scene.api.put(paths.nodes, labelled);
    await scene.start();

    expect(scene.sent("NodeObserved")).toEqual([]);
    expect(scene.events("node-a")).toEqual([
      "EniConfigNameNotFound failed to find the ENIConfig zone-a for node node-a",
    ]);

    scene.api.put(paths.eniConfigs, eniConfig("subnet-01234567"));
    await scene.clock.advance(100);

    expect(scene.sent("NodeObserved")).toMatchObject([{ eniConfig: { name: "zone-a" } }]);
  });

  test.each(["", "subnet-one"])(
    "an ENIConfig whose subnet is %j is as good as none, and it is said",
    async (subnet) => {
      scene.api.put(paths.eniConfigs, eniConfig(subnet));
      scene.api.put(paths.nodes, labelled);
      await scene.start();

      expect(scene.sent("NodeObserved")).toEqual([]);
      expect(scene.events("node-a")).toEqual([
        "EniConfigNameNotFound failed to find a subnet in the ENIConfig zone-a for node node-a: spec.subnet must be a subnet ID",
      ]);
    },
  );

  test("an ENIConfig that is changed, spoilt and deleted is told at each step, and a problem in one event", async () => {
    scene.api.put(paths.eniConfigs, eniConfig("subnet-01234567"));
    scene.api.put(paths.nodes, labelled);
    await scene.start();
    await scene.clock.advance(2_000);
    scene.sent("NodeObserved");

    scene.api.put(paths.eniConfigs, eniConfig("subnet-89abcdef"));
    await scene.clock.advance(100);
    scene.api.put(paths.eniConfigs, { ...eniConfig("subnet-89abcdef"), spec: { subnet: "subnet-89abcdef" } });
    await scene.clock.advance(100);
    expect(scene.sent("NodeObserved")).toMatchObject([
      { eniConfig: { subnetId: "subnet-89abcdef", securityGroups: ["sg-1"] } },
      { eniConfig: { subnetId: "subnet-89abcdef", securityGroups: [] } },
    ]);

    for (const _ of [1, 2, 3]) {
      scene.api.put(paths.eniConfigs, { ...eniConfig(""), status: { seen: scene.api.version } });
      await scene.clock.advance(1_000);
    }
    scene.api.remove(paths.eniConfigs, "zone-a");
    await scene.clock.advance(300_000);
    expect(scene.sent("NodeObserved")).toEqual([]);
    expect(scene.events("node-a").map((event) => event.slice(0, 50))).toEqual([
      "EniConfigNameNotFound failed to find a subnet in t",
      "EniConfigNameNotFound failed to find the ENIConfig",
    ]);
  });

  test("K14: a node's label says more than the feature of its CNINode, and the feature counts when the label goes", async () => {
    scene.api.put(paths.eniConfigs, eniConfig("subnet-01234567"));
    scene.api.put(paths.eniConfigs, { metadata: { name: "zone-b" }, spec: { subnet: "subnet-89abcdef" } });
    const features = [feature, { name: "CustomNetworking", value: "zone-b" }];
    scene.api.put(paths.cniNodes, { metadata: { name: "node-a" }, spec: { features } });
    scene.api.put(paths.nodes, labelled);
    await scene.start();
    scene.api.put(paths.nodes, aNode());
    await scene.clock.advance(100);

    const told = scene.sent("NodeObserved").map((event) => event.eniConfig?.name);
    expect(told).toEqual(["zone-a", "zone-b"]);
  });

  test("K03: without the CNI plugin's CustomResourceDefinition a node waits, and goes on when both are there", async () => {
    scene.api.missing.add(paths.eniConfigs);
    scene.api.put(paths.nodes, labelled);
    await scene.start();
    expect(scene.events("node-a")).toEqual([
      "EniConfigNameNotFound failed to find the ENIConfig zone-a for node node-a",
    ]);

    scene.api.missing.delete(paths.eniConfigs);
    scene.api.put(paths.eniConfigs, eniConfig("subnet-01234567"));
    await scene.clock.advance(60_000);

    expect(scene.sent("NodeObserved")).toMatchObject([{ eniConfig: { name: "zone-a" } }]);
  });

  const nameless = "EniConfigNameNotFound couldn't find custom networking eniconfig name for node node-a";

  test("a node whose label is empty waits for a name and is told so, whatever its CNINode says", async () => {
    const features = [feature, { name: "CustomNetworking", value: "zone-a" }];
    scene.api.put(paths.eniConfigs, eniConfig("subnet-01234567"));
    scene.api.put(paths.cniNodes, { metadata: { name: "node-a" }, spec: { features } });
    scene.api.put(paths.nodes, aNode("node-a", withLabels({ ...labels, "vpc.amazonaws.com/eniConfig": "" })));
    await scene.start();

    expect(scene.sent("NodeObserved")).toEqual([]);
    expect(scene.events("node-a")).toEqual([expect.stringContaining(nameless)]);

    scene.api.put(paths.nodes, labelled);
    await scene.clock.advance(100);

    expect(scene.sent("NodeObserved")).toMatchObject([{ eniConfig: { name: "zone-a" } }]);
  });

  test.each([{ name: "CustomNetworking" }, { name: "CustomNetworking", value: "" }])(
    "a node whose CNINode has the feature %j waits for a name and is told so",
    async (nothing) => {
      scene.api.put(paths.cniNodes, { metadata: { name: "node-a" }, spec: { features: [feature, nothing] } });
      scene.api.put(paths.nodes, aNode());
      await scene.start();

      expect(scene.sent("NodeObserved")).toEqual([]);
      expect(scene.events("node-a")).toEqual([expect.stringContaining(nameless)]);
    },
  );

  test("a node that asks for no trunk is not told that its ENIConfig is missing", async () => {
    scene.api.put(paths.nodes, labelled);
    await scene.start();
    const { "vpc.amazonaws.com/has-trunk-attached": _, ...others } = labelled.metadata.labels ?? {};
    scene.api.put(paths.nodes, { ...labelled, metadata: { ...labelled.metadata, labels: others } });
    await scene.clock.advance(100);

    expect(scene.sent("NodeObserved")).toMatchObject([{ wantsTrunk: false }]);
  });
});
