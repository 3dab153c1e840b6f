import { beforeEach, describe, expect, test } from "vitest";
import type { ApiAccess } from "../../ports.ts";
import { at, objectsAt } from "../json.ts";
import { coreRef, podManifest, testCluster } from "../testing.ts";

const POD_ENI = "vpc.amazonaws.com/pod-eni";

function binding(name: string, node: string, uid?: string) {
  return {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name, namespace: "default", ...(uid === undefined ? {} : { uid }) },
    target: { kind: "Node", name: node },
  };
}

describe("pods", () => {
  let api: ApiAccess;
  beforeEach(async () => {
    ({ api } = await testCluster());
  });
  const bind = (name: string, node = "n1", uid?: string) =>
    api.create(binding(name, node, uid), { subresource: "binding" });
  const withLimits = (limits: object, requests: object = {}) =>
    podManifest("a", { spec: { containers: [{ name: "app", image: "x", resources: { limits, requests } }] } });

  test("get the defaults that a real API server gives them", async () => {
    const pod = await api.create(podManifest("a"));
    expect(pod.spec).toMatchObject({
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 30,
      dnsPolicy: "ClusterFirst",
      serviceAccountName: "default",
      schedulerName: "default-scheduler",
      priority: 0,
      enableServiceLinks: true,
    });
    expect(pod.status).toEqual({ phase: "Pending", qosClass: "BestEffort" });
    expect(objectsAt(pod, "spec", "tolerations").map(({ key }) => key)).toEqual([
      "node.kubernetes.io/not-ready",
      "node.kubernetes.io/unreachable",
    ]);
  });

  test("request what they are limited to, in canonical quantities", async () => {
    const pod = await api.create(withLimits({ cpu: 0.5, memory: "1024Mi", [POD_ENI]: "1" }));
    expect(at(pod, "spec", "containers", 0, "resources", "requests")).toEqual({
      cpu: "500m",
      memory: "1Gi",
      [POD_ENI]: "1",
    });
  });

  test("cannot request more of an extended resource than they are limited to, or a part of one", async () => {
    await expect(api.create(withLimits({}, { [POD_ENI]: "1" }))).rejects.toThrow(
      "Limit must be set for non overcommitable resources",
    );
    await expect(api.create(withLimits({ [POD_ENI]: "2" }, { [POD_ENI]: "1" }))).rejects.toThrow(
      `must be equal to ${POD_ENI} limit of 2`,
    );
    await expect(api.create(withLimits({ [POD_ENI]: "500m" }))).rejects.toThrow("must be an integer");
  });

  test("need containers with names and images", async () => {
    const bad = podManifest("a", { spec: { containers: [{ name: "", image: "" }] } });
    await expect(api.create(bad)).rejects.toThrow(
      'Pod "a" is invalid: [spec.containers[0].name: Required value, spec.containers[0].image: Required value]',
    );
    await expect(api.create(podManifest("a", { spec: { containers: [] } }))).rejects.toThrow(
      "spec.containers: Required value",
    );
  });

  test("need a service account that exists", async () => {
    await expect(api.create(podManifest("a", { spec: { serviceAccountName: "robot" } }))).rejects.toThrow(
      'pods "a" is forbidden: error looking up service account default/robot: serviceaccount "robot" not found',
    );
  });

  test("are bound once", async () => {
    await api.create(podManifest("a"));
    await bind("a");
    const pod = await api.get(coreRef("pods", "a"));
    expect(at(pod, "spec", "nodeName")).toBe("n1");
    expect(objectsAt(pod, "status", "conditions")).toMatchObject([{ type: "PodScheduled", status: "True" }]);
    await expect(bind("a", "n2")).rejects.toThrow(
      'Operation cannot be fulfilled on pods/binding "a": pod a is already assigned to node "n1"',
    );
  });

  test.each([{ subresource: "binding" }, {}])("get the annotations of their binding (%j)", async (way) => {
    await api.create(podManifest("a"));
    const bound = binding("a", "n1");
    await api.create({ ...bound, metadata: { ...bound.metadata, annotations: { x: "y" } } }, way);
    const pod = await api.get(coreRef("pods", "a"));
    expect(pod.metadata.annotations).toEqual({ x: "y" });
    expect(at(pod, "spec", "nodeName")).toBe("n1");
  });

  test("are bound as mutating webhooks want it", async () => {
    const asked: unknown[] = [];
    const patch = Buffer.from('[{"op":"replace","path":"/target/name","value":"n2"}]').toString("base64");
    const cluster = await testCluster({
      callWebhook: async ({ body }) => {
        asked.push(at(body, "request"));
        const response = { uid: at(body, "request", "uid"), allowed: true, patchType: "JSONPatch", patch };
        return { kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", response };
      },
    });
    await cluster.api.create(podManifest("a"));
    await cluster.api.create({
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "MutatingWebhookConfiguration",
      metadata: { name: "scheduling" },
      webhooks: [
        {
          name: "binding.example.com",
          clientConfig: { url: "https://a/b" },
          rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods/binding"] }],
          admissionReviewVersions: ["v1"],
          sideEffects: "None",
        },
      ],
    });
    await cluster.api.create(binding("a", "n1"), { subresource: "binding" });
    expect(at(await cluster.api.get(coreRef("pods", "a")), "spec", "nodeName")).toBe("n2");
    expect(asked).toMatchObject([
      { kind: { kind: "Binding" }, resource: { resource: "pods" }, subResource: "binding" },
    ]);
  });

  test("are not bound in the place of a predecessor of the same name", async () => {
    const first = await api.create(podManifest("a"));
    await api.delete(coreRef("pods", "a"));
    await api.create(podManifest("a"));
    await expect(bind("a", "n1", first.metadata.uid)).rejects.toMatchObject({ code: 409 });
  });

  test("change their images and annotations, but not their containers or their node", async () => {
    await api.create(podManifest("a"));
    const patch = (body: object) => api.patch(coreRef("pods", "a"), { type: "strategic", body });
    await patch({ metadata: { annotations: { x: "y" } }, spec: { containers: [{ name: "app", image: "nginx:2" }] } });
    await expect(patch({ spec: { nodeName: "n1" } })).rejects.toThrow("pod updates may not change fields other than");
    await expect(
      patch({ spec: { containers: [{ name: "app", env: [{ name: "A", value: "b" }] }] } }),
    ).rejects.toMatchObject({
      code: 422,
    });
  });

  test("that no node has are deleted at once", async () => {
    await api.create(podManifest("a"));
    await api.delete(coreRef("pods", "a"));
    await expect(api.get(coreRef("pods", "a"))).rejects.toMatchObject({ code: 404 });
  });

  test("on a node live on through their grace period until the kubelet lets them go", async () => {
    await api.create(podManifest("a"));
    await bind("a");
    await api.delete(coreRef("pods", "a"));
    const terminating = await api.get(coreRef("pods", "a"));
    expect(terminating.metadata).toMatchObject({
      deletionTimestamp: "2026-11-20T12:00:30Z",
      deletionGracePeriodSeconds: 30,
    });
    await api.delete(coreRef("pods", "a"), { gracePeriodSeconds: 0 });
    await expect(api.get(coreRef("pods", "a"))).rejects.toMatchObject({ code: 404 });
  });

  test("are given less time by a second deletion, never more", async () => {
    await api.create(podManifest("a"));
    await bind("a");
    await api.delete(coreRef("pods", "a"));
    await api.delete(coreRef("pods", "a"), { gracePeriodSeconds: 10 });
    await api.delete(coreRef("pods", "a"), { gracePeriodSeconds: 60 });
    expect((await api.get(coreRef("pods", "a"))).metadata).toMatchObject({
      deletionTimestamp: "2026-11-20T12:00:10Z",
      deletionGracePeriodSeconds: 10,
    });
  });

  test("take annotations by way of their status too, which a guard has to know", async () => {
    await api.create(podManifest("a"));
    const body = {
      metadata: { annotations: { [POD_ENI]: "[]" } },
      spec: { nodeName: "n1" },
      status: { podIP: "10.0.0.1" },
    };
    const pod = await api.patch(coreRef("pods", "a"), { type: "merge", body, subresource: "status" });
    expect(pod.metadata.annotations).toEqual({ [POD_ENI]: "[]" });
    expect(at(pod, "status", "podIP")).toBe("10.0.0.1");
    expect(at(pod, "spec", "nodeName")).toBeUndefined();
  });

  test("keep their owners and their end, and nothing else of their metadata, when their status is written", async () => {
    const manifest = podManifest("p");
    const owner = { apiVersion: "v1", kind: "Node", name: "n", uid: "u" };
    manifest.metadata.ownerReferences = [owner];
    manifest.metadata.finalizers = ["example.com/hold"];
    await api.create(manifest);
    const metadata = { finalizers: ["example.com/other"], ownerReferences: null, deletionTimestamp: null };
    await api.delete(coreRef("pods", "p"));
    await expect(
      api.patch(coreRef("pods", "p"), { type: "merge", body: { metadata }, subresource: "status" }),
    ).rejects.toThrow("no new finalizers can be added");
    const released = { ...metadata, finalizers: null };
    const last = await api.patch(coreRef("pods", "p"), {
      type: "merge",
      body: { metadata: released },
      subresource: "status",
    });
    expect(last.metadata.ownerReferences).toEqual([owner]);
    expect(last.metadata.deletionTimestamp).toBeDefined();
    await expect(api.get(coreRef("pods", "p"))).rejects.toMatchObject({ code: 404 });
  });

  test("are not evicted when their disruption budget forbids it", async () => {
    await api.create(podManifest("a", { labels: { app: "web" } }));
    await bind("a");
    const status = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
    await api.patch(coreRef("pods", "a"), { type: "merge", body: { status }, subresource: "status" });
    await api.create({
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "web", namespace: "default" },
      spec: { minAvailable: 1, selector: { matchLabels: { app: "web" } } },
    });
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "a", namespace: "default" } };
    await expect(api.create(eviction, { subresource: "eviction" })).rejects.toMatchObject({ code: 429 });
    await api.delete({ group: "policy", resource: "poddisruptionbudgets", namespace: "default", name: "web" });
    await api.create(eviction, { subresource: "eviction" });
    expect((await api.get(coreRef("pods", "a"))).metadata.deletionTimestamp).toBeDefined();
  });
});
