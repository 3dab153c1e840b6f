import { expect, test } from "vitest";
import { awsNodeManifests } from "../index.ts";
import type { ControllerRevision, DaemonSet, KubernetesNode } from "../objects.ts";
import { startTestCluster } from "../testing/world.ts";
import { planRevisions } from "./daemon-revisions.ts";
import { daemonTemplate } from "./daemon-set-plan.ts";

const ref = { group: "apps", resource: "daemonsets", namespace: "kube-system", name: "aws-node" };

test("each node gets its pod, also nodes that join later", async () => {
  const { pods, controllers, clock, api } = await startTestCluster(2);

  await controllers.registerNode({
    instanceId: "i-0000000a",
    availabilityZone: "us-west-2b",
    privateIp: "10.0.0.9",
    instanceType: "m5.large",
    name: "node-9",
  });
  await clock.advance(1_000);

  expect(
    pods("aws-node")
      .map(({ spec }) => spec.nodeName)
      .sort(),
  ).toEqual(["node-1", "node-2", "node-9"]);
  expect(api.all<DaemonSet>("daemonsets")[0]?.status).toMatchObject({
    desiredNumberScheduled: 3,
    numberAvailable: 3,
    updatedNumberScheduled: 3,
  });
});

test("a changed template replaces the pods one by one, each on its node", async () => {
  const { pods, access, clock, api } = await startTestCluster(3);
  const before = pods("aws-node").map(({ metadata }) => metadata.uid);
  const template = { spec: { priorityClassName: "other" } };
  let fewest = 3;
  const watched = access.watch({ group: "apps", resource: "daemonsets" }, ({ object }) => {
    fewest = Math.min(fewest, (object as DaemonSet).status?.numberAvailable ?? 3);
  });

  await access.patch(ref, { type: "merge", body: { spec: { template } } });
  await clock.advance(10_000);

  const after = pods("aws-node");
  expect(after.filter(({ metadata }) => before.includes(metadata.uid))).toEqual([]);
  expect(after.map(({ spec }) => spec.nodeName).sort()).toEqual(["node-1", "node-2", "node-3"]);
  expect(fewest).toBe(2);
  expect(api.all<DaemonSet>("daemonsets")[0]?.status).toMatchObject({ updatedNumberScheduled: 3, numberAvailable: 3 });
  watched();
});

test("a node that the template no longer fits loses its pod", async () => {
  const { pods, access, clock } = await startTestCluster(2);
  await access.patch(ref, {
    type: "merge",
    body: { spec: { template: { spec: { nodeSelector: { "kubernetes.io/hostname": "node-2" } } } } },
  });

  await clock.advance(10_000);

  expect(pods("aws-node").map(({ spec }) => spec.nodeName)).toEqual(["node-2"]);
});

test("a tainted node gets a pod only if the template tolerates the taint", async () => {
  const { pods, access, clock } = await startTestCluster(1);
  const taints = [{ key: "dedicated", value: "x", effect: "NoSchedule" }];
  await access.patch({ group: "", resource: "nodes", name: "node-1" }, { type: "merge", body: { spec: { taints } } });
  const metadata = { name: "shy", namespace: "default" };
  const labels = { app: "shy" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "shy", image: "pause" }] } };
  const spec = { selector: { matchLabels: labels }, template };

  await access.create({ apiVersion: "apps/v1", kind: "DaemonSet", metadata, spec });
  await clock.advance(2_000);

  expect(pods("shy")).toEqual([]);
  expect(pods("aws-node")).toHaveLength(1);
});

test("the pod for a node can go to that node only, whatever other terms there are", () => {
  const zone = { key: "topology.kubernetes.io/zone", operator: "In", values: ["us-west-2a"] };
  const nodeSelectorTerms = [{ matchExpressions: [zone] }];
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } };

  const made = daemonTemplate({ spec: { containers: [], affinity } }, "node-7");

  const required = made.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  expect(required?.nodeSelectorTerms).toEqual([
    {
      matchExpressions: [zone],
      matchFields: [{ key: "metadata.name", operator: "In", values: ["node-7"] }],
    },
  ]);
});

test("each template that was there is kept as a revision, and going back makes its revision the newest", async () => {
  const { access, clock, api } = await startTestCluster(1);
  const [original] = api.all<ControllerRevision>("controllerrevisions");
  const set = (priorityClassName: string | null) =>
    access.patch(ref, { type: "merge", body: { spec: { template: { spec: { priorityClassName } } } } });

  await set("other");
  await clock.advance(5_000);
  await set("system-node-critical");
  await clock.advance(5_000);

  const revisions = api.all<ControllerRevision>("controllerrevisions");
  expect(revisions.map(({ revision }) => revision).sort()).toEqual([2, 3]);
  expect(revisions.find(({ revision }) => revision === 3)?.metadata.uid).toBe(original?.metadata.uid);
});

test("revisions beyond the history limit are pruned", () => {
  const [, daemonSet] = awsNodeManifests();
  const limited = { ...daemonSet, spec: { ...(daemonSet as DaemonSet).spec, revisionHistoryLimit: 1 } } as DaemonSet;
  const old = [3, 1, 2].map((revision) => {
    return { metadata: { name: `old-${revision}` }, revision } as ControllerRevision;
  });

  expect(planRevisions(limited, old).prune.map(({ revision }) => revision)).toEqual([1, 2]);
});

test("heartbeats and capacity do not disturb the DaemonSets", async () => {
  const { api, access, clock } = await startTestCluster(1);
  const before = api.requests.filter((request) => request.includes("daemonsets")).length;

  const [node] = api.all<KubernetesNode>("nodes");
  const capacity = { ...node?.status?.capacity, "vpc.amazonaws.com/pod-eni": "9" };
  const nodeRef = { group: "", resource: "nodes", name: "node-1" };
  await access.patch(nodeRef, { type: "merge", body: { status: { capacity } }, subresource: "status" });
  await clock.advance(60_000);

  expect(api.requests.filter((request) => request.includes("daemonsets"))).toHaveLength(before);
});
