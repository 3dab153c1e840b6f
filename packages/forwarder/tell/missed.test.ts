import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FakeObject } from "../testing/fake-api.ts";
import { aNode, aPolicy, createScene, paths, type Scene } from "../testing/scene.ts";

let scene: Scene;

beforeEach(() => {
  scene = createScene({ excludedNamespaces: ["vendor"] });
});

afterEach(async () => {
  const stopped = scene.forwarder.stop();
  await scene.clock.advance(10_000);
  await stopped;
});

const policyIn = (namespace: string): FakeObject => {
  const policy = aPolicy(`policy-${namespace}`, ["sg-1"]);
  return { ...policy, metadata: { ...policy.metadata, namespace, creationTimestamp: "2026-01-01T00:00:00Z" } };
};
const runningIn = (namespace: string): FakeObject => ({
  metadata: {
    name: `pod-${namespace}`,
    namespace,
    labels: { role: "db" },
    creationTimestamp: "2026-01-02T00:00:00Z",
  },
  spec: { nodeName: "node-a", serviceAccountName: "default", containers: [{ name: "a" }] },
  status: { phase: "Running", containerStatuses: [{ state: { running: {} } }] },
});

describe.each(["kube-system", "vendor"])("in the excluded namespace %s", (namespace) => {
  test("no pod is told to be recreated, and its policy is told once that it has no effect", async () => {
    scene.api.put(paths.nodes, aNode());
    scene.api.put(paths.policies, policyIn(namespace));
    scene.api.put(paths.pods, runningIn(namespace));
    await scene.start();
    scene.api.put(paths.policies, { ...policyIn(namespace), spec: { podSelector: {}, securityGroups: {} } });
    scene.api.put(paths.policies, policyIn(namespace));
    await scene.clock.advance(120_000);

    expect(scene.events(`pod-${namespace}`)).toEqual([]);
    expect(scene.events(`policy-${namespace}`)).toEqual([
      `SecurityGroupPolicyIgnored The policy has no effect: the namespace ${namespace} is excluded from admission, so that its pods are created without a request for a branch ENI and have the node's security groups`,
    ]);
    const told = scene.api.requests.filter(({ method, path }) => method === "POST" && path.endsWith("/events"));
    expect(told).toMatchObject([
      {
        path: `/api/v1/namespaces/${namespace}/events`,
        body: {
          type: "Warning",
          involvedObject: {
            apiVersion: "vpcresources.k8s.aws/v1beta1",
            kind: "SecurityGroupPolicy",
            namespace,
            uid: `uid-policy-${namespace}`,
          },
        },
      },
    ]);
    expect(scene.logged.filter((line) => line.includes("its namespace is excluded"))).toHaveLength(1);
  });
});

test("in any other namespace pods that were missed are told so, and policies are told nothing", async () => {
  scene.api.put(paths.nodes, aNode());
  await scene.start();
  scene.api.put(paths.policies, policyIn("default"));
  scene.api.put(paths.pods, runningIn("default"));
  await scene.clock.advance(1_000);

  expect(scene.events("pod-default")).toEqual([expect.stringMatching(/^SecurityGroupMissed .*\[sg-1\].*recreate it$/)]);
  expect(scene.events("policy-default")).toEqual([]);
});
