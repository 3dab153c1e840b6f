import { describe, expect, test } from "vitest";
import { viewNode, viewPod } from "./views.ts";

const metadata = {
  uid: "u1",
  name: "a",
  resourceVersion: "7",
  creationTimestamp: "2026-01-01T00:00:00Z",
  managedFields: [{ manager: "kubelet", fieldsV1: { "f:status": {} } }],
  ownerReferences: [{ kind: "ReplicaSet", name: "a" }],
};

describe("what is kept", () => {
  test("of a pod is what some rule reads, and nothing else", () => {
    const request = { "vpc.amazonaws.com/pod-eni": "1", cpu: "1" };
    const view = viewPod({
      metadata: {
        ...metadata,
        namespace: "default",
        labels: { role: "db" },
        annotations: { "vpc.amazonaws.com/pod-eni": "[]", "checksum/config": "0123" },
      },
      spec: {
        nodeName: "node-a",
        serviceAccountName: "account",
        terminationGracePeriodSeconds: 5,
        containers: [{ name: "a", image: "nginx", env: [{ name: "A" }], resources: { requests: request } }],
        volumes: [{ name: "tmp" }],
      },
      status: { phase: "Running", containerStatuses: [{ state: { running: {} }, imageID: "sha256:0" }] },
    });

    expect(view).toEqual({
      uid: "u1",
      namespace: "default",
      name: "a",
      resourceVersion: "7",
      labels: { role: "db" },
      serviceAccountName: "account",
      nodeName: "node-a",
      enis: 1,
      annotation: "[]",
      hasAnnotations: true,
      terminal: false,
      terminating: false,
      running: true,
      graceSeconds: 5,
      admissible: true,
      createdAt: Date.UTC(2026, 0, 1),
    });
  });

  test("of a node is what some rule reads, and nothing else", () => {
    const read = {
      "kubernetes.io/os": "linux",
      "eks.amazonaws.com/compute-type": "ec2",
      "vpc.amazonaws.com/has-trunk-attached": "true",
      "vpc.amazonaws.com/eniConfig": "zone-a",
    };
    const view = viewNode({
      metadata: {
        ...metadata,
        labels: { ...read, "topology.kubernetes.io/zone": "us-west-2a" },
        annotations: { "trunkline/has-trunk-attached": "status", "csi.volume.kubernetes.io/nodeid": "{}" },
      },
      spec: { providerID: "aws:///us-west-2a/i-0123456789abcdef0", podCIDR: "10.0.0.0/24" },
      status: {
        capacity: { "vpc.amazonaws.com/pod-eni": "9", cpu: "2" },
        images: [{ names: ["nginx"], sizeBytes: 1 }],
        conditions: [{ type: "Ready" }],
      },
    });

    expect(view).toEqual({
      uid: "u1",
      namespace: "",
      name: "a",
      resourceVersion: "7",
      object: {
        metadata: { labels: read, annotations: { "trunkline/has-trunk-attached": "status" } },
        spec: { providerID: "aws:///us-west-2a/i-0123456789abcdef0" },
        status: { capacity: { "vpc.amazonaws.com/pod-eni": "9" } },
      },
    });
  });
});
