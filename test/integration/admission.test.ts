import type { KubernetesObject } from "@trunkline/emulator-kubernetes/ports";
import type { RunningForwarder } from "@trunkline/forwarder";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type AdmissionCluster, startAdmissionCluster } from "../support/admission.ts";

const eni = "vpc.amazonaws.com/pod-eni";
const one = { [eni]: "1" };
const pods = "/api/v1/namespaces/default/pods";

const pod = (name: string, labels: Record<string, string> = { role: "db" }): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels },
  spec: { containers: [{ name: "app", image: "nginx:1.27" }] },
});

const policy = (name: string, labels: Record<string, string>, groups: number): KubernetesObject => ({
  apiVersion: "vpcresources.k8s.aws/v1beta1",
  kind: "SecurityGroupPolicy",
  metadata: { name },
  spec: {
    podSelector: { matchLabels: labels },
    securityGroups: {
      groupIds: Array.from({ length: groups }, (_, index) => `sg-000000${(index + 16).toString(16)}`),
    },
  },
});

const policies = (namespace: string) =>
  `/apis/vpcresources.k8s.aws/v1beta1/namespaces/${namespace}/securitygrouppolicies`;
const resourcesOf = (object: KubernetesObject): unknown =>
  (object.spec as { containers: { resources?: unknown }[] }).containers[0]?.resources;

describe("the overlay with certificates of the forwarder's own, as it is shipped,", () => {
  let cluster: AdmissionCluster;
  let replicas: readonly RunningForwarder[];

  /** Waits until a replica has a certificate that the API server trusts, and its policies. */
  const isMutated = (name: string) =>
    vi.waitFor(
      async () => {
        const { body } = await cluster.post(`${pods}?dryRun=All`, pod(name));
        expect(resourcesOf(body)).toEqual({ limits: one, requests: one });
      },
      { timeout: 20_000, interval: 50 },
    );

  beforeAll(async () => {
    cluster = await startAdmissionCluster("instance-profile-self-made");
    await cluster.post(policies("default"), policy("db", { role: "db" }, 1));
    await cluster.post(policies("default"), policy("many", { role: "many" }, 6));
    await cluster.post(policies("default"), policy("too-many", { role: "too-many" }, 16));
    await cluster.post(policies("default"), policy("one-more", { more: "yes" }, 17));
    await cluster.post(policies("kube-system"), policy("db", { role: "db" }, 1));
    replicas = await Promise.all([cluster.startReplica(), cluster.startReplica()]);
    cluster.route(replicas[0]);
    await isMutated("first");
  });

  afterAll(() => cluster.stop());

  test("mutates pods through TLS that the API server verifies, by every replica", async () => {
    for (const [index, replica] of replicas.entries()) {
      cluster.route(replica);
      await isMutated(`a${index}`);
      const { status, body } = await cluster.post(pods, pod(`a${index}`));

      expect(status).toBe(201);
      expect(resourcesOf(body)).toEqual({ limits: one, requests: one });
    }
  });

  test("keeps the certificate in its Secret, and its key out of the log", async () => {
    const { data } = await cluster.kubernetes.api
      .as("kubernetes-admin")
      .get({ group: "", resource: "secrets", namespace: "kube-system", name: "trunkline-forwarder-tls" });

    expect(Object.keys(data as object).sort()).toEqual(["ca.crt", "ca.key", "tls.crt", "tls.key"]);
    expect(cluster.logged.filter((line) => /BEGIN|PRIVATE/.test(line))).toEqual([]);
  });

  test("K44: leaves its own namespace alone", async () => {
    const { body } = await cluster.post("/api/v1/namespaces/kube-system/pods?dryRun=All", pod("own"));

    expect(resourcesOf(body)).toEqual({});
  });

  test("K43: leaves nothing behind after a dry run", async () => {
    const events = async () =>
      (await cluster.kubernetes.api.as("kubernetes-admin").list({ group: "", resource: "events" })).objects.length;
    const before = await events();
    await isMutated("dry");

    expect(await events()).toBe(before);
    const { status } = await cluster.post(pods, pod("dry"));
    expect(status).toBe(201);
  });

  test("K27: warns of 6 groups and refuses 17, where the pod is created", async () => {
    const six = await cluster.post(`${pods}?dryRun=All`, pod("six", { role: "many" }));
    const seventeen = await cluster.post(`${pods}?dryRun=All`, pod("seventeen", { more: "yes" }));
    const sixteen = await cluster.post(`${pods}?dryRun=All`, pod("sixteen", { role: "too-many" }));

    expect(six).toMatchObject({ status: 201, warning: expect.stringContaining("the pod gets 6 security groups") });
    expect(sixteen).toMatchObject({ status: 201, warning: expect.stringContaining("the pod gets 16 security groups") });
    expect(seventeen).toMatchObject({
      status: 403,
      body: {
        message:
          'admission webhook "mpod.vpc.k8s.aws" denied the request: the pod gets 17 security groups by the security group ' +
          "policies one-more, but a network interface takes at most 16: name fewer groups, or let fewer policies select the pod",
      },
    });
  });

  test("K65: tells a pod that was created while no replica answered, once it runs", async () => {
    cluster.route(undefined);
    cluster.skip(2_000);
    const { body } = await cluster.post(pods, pod("missed"));
    cluster.route(replicas[0]);
    expect(resourcesOf(body)).toEqual({});

    const administrator = cluster.kubernetes.api.as("kubernetes-admin");
    const metadata = { name: "missed", namespace: "default" };
    const target = { kind: "Node", name: "node-1" };
    await administrator.create({ apiVersion: "v1", kind: "Binding", metadata, target }, { subresource: "binding" });
    await administrator.patch(
      { group: "", resource: "pods", namespace: "default", name: "missed" },
      {
        type: "merge",
        subresource: "status",
        body: {
          status: {
            phase: "Running",
            containerStatuses: [
              { name: "app", image: "x", imageID: "x", ready: true, restartCount: 0, state: { running: {} } },
            ],
          },
        },
      },
    );

    await vi.waitFor(
      async () => {
        const { objects } = await administrator.list({ group: "", resource: "events", namespace: "default" });
        const missed = objects.filter(({ reason }) => reason === "SecurityGroupMissed");

        expect(missed).toHaveLength(1);
        expect(missed[0]).toMatchObject({
          type: "Warning",
          involvedObject: { kind: "Pod", name: "missed", uid: body.metadata.uid },
          message: expect.stringContaining("Pod matches the Security Groups [sg-00000010]"),
        });
      },
      { timeout: 20_000, interval: 100 },
    );
  });
});

describe("the overlay that fails closed", () => {
  test("creates no pod while no replica answers, but in the excluded namespaces", async () => {
    const cluster = await startAdmissionCluster("instance-profile-self-made", "fail-closed");
    const outside = await cluster.post(pods, pod("a"));
    const inside = await cluster.post("/api/v1/namespaces/kube-system/pods", pod("a"));
    await cluster.stop();

    expect(outside).toMatchObject({
      status: 500,
      body: { message: expect.stringMatching(/failed calling webhook "mpod.vpc.k8s.aws".*trunkline-forwarder/) },
    });
    expect(inside.status).toBe(201);
  });
});
