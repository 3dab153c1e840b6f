import { expect, test } from "vitest";
import type { KubernetesNode, Pod, PodSpec } from "../objects.ts";
import { pod } from "../testing/world.ts";
import { type Candidate, chooseNode } from "./choose.ts";
import { podAmounts, usedBy } from "./usage.ts";

const POD_ENI = "vpc.amazonaws.com/pod-eni";

function candidate(
  name: string,
  node: Partial<KubernetesNode["spec"]> & { labels?: Record<string, string> } = {},
  used: Pod[] = [],
): Candidate {
  const { labels = {}, ...spec } = node;
  return {
    node: {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels },
      spec,
      status: { allocatable: { cpu: "2", memory: "8Gi", pods: "3", [POD_ENI]: "1" } },
    },
    used: usedBy(used),
    siblings: new Map(),
  };
}

function podOf(spec: Partial<PodSpec> = {}, requests: Record<string, string> = {}): Pod {
  return pod("p", { resources: { requests } }, spec) as Pod;
}

function messageFor(wanted: Pod, candidates: Candidate[]): string {
  const choice = chooseNode(wanted, candidates, () => 0);
  return "message" in choice ? choice.message : `chose ${choice.node}`;
}

test("the node that is used least is chosen", () => {
  const busy = candidate("busy", {}, [podOf({}, { cpu: "1" })]);

  expect(chooseNode(podOf(), [busy, candidate("idle")], () => 0)).toEqual({ node: "idle" });
});

test("replicas are spread before room is looked at", () => {
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "owner", controller: true };
  const plain = podOf();
  const replica = { ...plain, metadata: { ...plain.metadata, ownerReferences: [owner] } };
  const home = { ...candidate("home"), siblings: new Map([["owner", 1]]) };
  const busy = candidate("busy", {}, [podOf({}, { cpu: "100m" })]);

  expect(chooseNode(replica, [home, busy], () => 0)).toEqual({ node: "busy" });
});

test("a pod that has ended takes no room", () => {
  const ended = { ...podOf({}, { cpu: "2" }), status: { phase: "Succeeded" as const } };

  expect(messageFor(podOf({}, { cpu: "2" }), [candidate("a", {}, [ended])])).toBe("chose a");
});

test("a limit of an extended resource counts as a request", () => {
  expect(podAmounts((pod("p", { resources: { limits: { [POD_ENI]: "1" } } }) as Pod).spec).get(POD_ENI)).toBe(1);
});

test("a greedy init container counts instead of the containers that follow it", () => {
  const spec = podOf(
    { initContainers: [{ name: "i", image: "i", resources: { requests: { cpu: "3" } } }] },
    { cpu: "1" },
  );

  expect(podAmounts(spec.spec).get("cpu")).toBe(3);
});

test("no branch ENI left is told in the scheduler's words", () => {
  const holder = podOf({}, { [POD_ENI]: "1" });
  const full = [candidate("a", {}, [holder]), candidate("b", {}, [holder])];

  expect(messageFor(podOf({}, { [POD_ENI]: "1" }), full)).toBe(
    "0/2 nodes are available: 2 Insufficient vpc.amazonaws.com/pod-eni. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.",
  );
});

test("each node counts under its own reason, and reasons are sorted", () => {
  const three = [podOf(), podOf(), podOf()];
  const candidates = [
    candidate("full", {}, three),
    candidate("cordoned", { unschedulable: true }),
    candidate("tainted", { taints: [{ key: "dedicated", value: "db", effect: "NoSchedule" }] }),
    candidate("unlabelled"),
  ];
  const wanted = podOf({ affinity: onHost(["full", "cordoned", "tainted"]) });

  expect(messageFor(wanted, candidates)).toBe(
    "0/4 nodes are available: 1 Too many pods, 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint {dedicated: db}, 1 node(s) were unschedulable. preemption: 0/4 nodes are available: 1 No preemption victims found for incoming pod, 3 Preemption is not helpful for scheduling.",
  );
});

function onHost(values: string[]) {
  const matchFields = [{ key: "metadata.name", operator: "In", values }];
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] } } };
}

test("a cluster without nodes is told as such", () => {
  expect(messageFor(podOf(), [])).toBe("no nodes available to schedule pods");
});

test("nodeSelector, required affinity and tolerations are honoured", () => {
  const taints = [{ key: "dedicated", value: "db", effect: "NoExecute" }];
  const special = candidate("special", { taints, labels: { disk: "ssd", zone: "a" } });
  const tolerations = [{ key: "dedicated", operator: "Equal", value: "db" }];
  const zone = { key: "zone", operator: "In", values: ["a", "b"] };
  const terms = [{ matchExpressions: [zone] }];
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } };

  const wanted = podOf({ tolerations, nodeSelector: { disk: "ssd" }, affinity });

  expect(messageFor(wanted, [candidate("plain"), special])).toBe("chose special");
});

test.each([
  ["Exists", ["x"], true],
  ["DoesNotExist", [], false],
  ["NotIn", ["ssd"], false],
  ["Gt", ["3"], false],
  ["Unknown", [], false],
])("the operator %s is judged", (operator, values, chosen) => {
  const nodeSelectorTerms = [{ matchExpressions: [{ key: "disk", operator, values }] }];
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } };

  const message = messageFor(podOf({ affinity }), [candidate("a", { labels: { disk: "ssd" } })]);

  expect(message.startsWith("chose")).toBe(chosen);
});
