import { describe, expect, test } from "vitest";
import type { KubernetesObject } from "../../ports.ts";
import { at, type JsonObject, objectAt, stringAt } from "../json.ts";
import { configMapManifest, coreRef, podManifest, testCluster, warningsOf } from "../testing.ts";
import type { WebhookCall } from "./webhooks.ts";

const POD_ENI = "vpc.amazonaws.com/pod-eni";

/** Answers every call with what `decide` says about the request. */
function answering(decide: (request: JsonObject, call: WebhookCall) => JsonObject) {
  const calls: WebhookCall[] = [];
  return {
    calls,
    callWebhook: async (call: WebhookCall) => {
      calls.push(call);
      const request = objectAt(call.body, "request") ?? {};
      const response = { uid: request.uid, ...decide(request, call) };
      return { kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", response };
    },
  };
}

function patchOf(...operations: object[]): JsonObject {
  return { allowed: true, patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(operations)).toString("base64") };
}

function webhook(name: string, change: object = {}): object {
  return {
    name,
    clientConfig: { url: `https://${name}/mutate`, caBundle: "Y2E=" },
    rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }],
    admissionReviewVersions: ["v1"],
    sideEffects: "None",
    ...change,
  };
}

function configuration(kind: "Mutating" | "Validating", ...webhooks: object[]): KubernetesObject {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: `${kind}WebhookConfiguration`,
    metadata: { name: "vpc-resource-webhook" },
    webhooks,
  };
}

describe("mutating webhooks", () => {
  test("change a pod before it is stored, and its requests follow its limits", async () => {
    const resources = { limits: { [POD_ENI]: "1" }, requests: { [POD_ENI]: "1" } };
    const { calls, callWebhook } = answering(() =>
      patchOf({ op: "replace", path: "/spec/containers/0/resources", value: resources }),
    );
    const { api } = await testCluster({ callWebhook });
    await api.create(configuration("Mutating", webhook("mpod.vpc.k8s.aws")));
    const pod = await api.create(podManifest("a"));
    expect(at(pod, "spec", "containers", 0, "resources")).toEqual(resources);
    expect(calls[0]).toMatchObject({
      target: { url: "https://mpod.vpc.k8s.aws/mutate" },
      caBundle: "Y2E=",
      timeoutSeconds: 10,
    });
  });

  test("see a pod with its defaults, but without the name and UID that it does not have yet", async () => {
    const { calls, callWebhook } = answering(() => ({ allowed: true }));
    const { api } = await testCluster({ callWebhook });
    await api.create(configuration("Mutating", webhook("mpod.vpc.k8s.aws")));
    const manifest = podManifest("");
    manifest.metadata = { generateName: "web-", namespace: "default" };
    await api.create(manifest);
    const request = objectAt(calls[0]?.body, "request");
    expect(request).toMatchObject({
      operation: "CREATE",
      namespace: "default",
      kind: { group: "", version: "v1", kind: "Pod" },
      resource: { group: "", version: "v1", resource: "pods" },
      userInfo: { username: "kubernetes-admin" },
      dryRun: false,
      oldObject: null,
    });
    expect(at(request, "object", "spec", "serviceAccountName")).toBe("default");
    expect(at(request, "object", "metadata", "uid")).toBeUndefined();
    expect(request?.name).toBeUndefined();
  });

  test("are asked again after a later one changed the object, when they ask for it", async () => {
    const { calls, callWebhook } = answering((request, call) => {
      const label = "url" in call.target && call.target.url.includes("second") ? "second" : "first";
      const has = at(request, "object", "metadata", "labels", label) !== undefined;
      return has ? { allowed: true } : patchOf({ op: "add", path: `/metadata/labels/${label}`, value: "yes" });
    });
    const { api } = await testCluster({ callWebhook });
    const first = webhook("first.example.com", { reinvocationPolicy: "IfNeeded" });
    await api.create(configuration("Mutating", first, webhook("second.example.com")));
    const pod = await api.create(podManifest("a", { labels: { app: "a" } }));
    expect(pod.metadata.labels).toEqual({ app: "a", first: "yes", second: "yes" });
    expect(calls).toHaveLength(3);
  });

  test("that failed and were ignored are asked again too, and may succeed then", async () => {
    let failures = 1;
    const { calls, callWebhook } = answering((_, call) => {
      const isFirst = "url" in call.target && call.target.url.includes("first");
      if (isFirst && failures > 0) {
        failures -= 1;
        throw new Error("connection refused");
      }
      return patchOf({ op: "add", path: `/metadata/labels/${isFirst ? "first" : "second"}`, value: "yes" });
    });
    const { api } = await testCluster({ callWebhook });
    const first = webhook("first.example.com", { reinvocationPolicy: "IfNeeded", failurePolicy: "Ignore" });
    await api.create(configuration("Mutating", first, webhook("second.example.com")));
    const pod = await api.create(podManifest("a", { labels: { app: "a" } }));
    expect(pod.metadata.labels).toEqual({ app: "a", first: "yes", second: "yes" });
    expect(calls).toHaveLength(3);
  });

  test("that fail are ignored or end the request, as their policy says", async () => {
    const callWebhook = () =>
      Promise.reject(new Error('failed to call webhook: Post "https://x": context deadline exceeded'));
    const { api } = await testCluster({ callWebhook });
    await api.create(configuration("Mutating", webhook("open.example.com", { failurePolicy: "Ignore" })));
    await api.create(podManifest("a"));
    const closed = configuration("Mutating", webhook("closed.example.com"));
    closed.metadata.name = "closed";
    await api.create(closed);
    const refused = api.create(podManifest("b"));
    await expect(refused).rejects.toThrow(
      'Internal error occurred: failed calling webhook "closed.example.com": failed to call webhook: Post "https://x": context deadline exceeded',
    );
    await expect(refused).rejects.toMatchObject({ code: 500 });
  });

  test("that answer another request than they were asked about are not believed", async () => {
    const callWebhook = async () => ({
      kind: "AdmissionReview",
      apiVersion: "admission.k8s.io/v1",
      response: { uid: "x", allowed: true },
    });
    const { api } = await testCluster({ callWebhook });
    await api.create(configuration("Mutating", webhook("mpod.vpc.k8s.aws")));
    await expect(api.create(podManifest("a"))).rejects.toThrow("expected response.uid=");
  });

  test("are asked only about what their rules, selectors and conditions choose", async () => {
    const { calls, callWebhook } = answering(() => ({ allowed: true }));
    const { api } = await testCluster({ callWebhook });
    const chosen = { objectSelector: { matchLabels: { app: "web" } } };
    const elsewhere = { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "other" } } };
    const unless = { matchConditions: [{ name: "not-b", expression: "object.metadata.name != 'b'" }] };
    await api.create(
      configuration(
        "Mutating",
        webhook("a.example.com", { ...chosen, ...unless }),
        webhook("b.example.com", elsewhere),
      ),
    );
    await api.create(podManifest("a", { labels: { app: "web" } }));
    await api.create(podManifest("b", { labels: { app: "web" } }));
    await api.create(podManifest("c"));
    await api.create(configMapManifest("d"));
    expect(calls.map((call) => stringAt(call.body, "request", "name"))).toEqual(["a"]);
  });
});

describe("validating webhooks", () => {
  test("refuse with the text that people know", async () => {
    const { callWebhook } = answering(() => ({ allowed: false, status: { message: "no branch for you", code: 403 } }));
    const { api } = await testCluster({ callWebhook });
    await api.create(configuration("Validating", webhook("vpod.vpc.k8s.aws")));
    const refused = api.create(podManifest("a"));
    await expect(refused).rejects.toThrow('admission webhook "vpod.vpc.k8s.aws" denied the request: no branch for you');
    await expect(refused).rejects.toMatchObject({ code: 403, reason: "Forbidden" });
  });

  test("see the old and the new object, and who asks", async () => {
    const { calls, callWebhook } = answering(() => ({ allowed: true }));
    const { api, model } = await testCluster({ callWebhook });
    const rules = [
      { operations: ["UPDATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods", "pods/status"] },
    ];
    await api.create(configuration("Validating", webhook("vpod.vpc.k8s.aws", { rules })));
    await api.create(podManifest("a"));
    const robot = model.api.as("system:serviceaccount:kube-system:robot");
    await robot.patch(coreRef("pods", "a"), { type: "merge", body: { metadata: { annotations: { x: "y" } } } });
    await robot.patch(coreRef("pods", "a"), {
      type: "merge",
      body: { status: { podIP: "10.0.0.1" } },
      subresource: "status",
    });
    expect(calls.map((call) => stringAt(call.body, "request", "subResource"))).toEqual([undefined, "status"]);
    const request = objectAt(calls[0]?.body, "request");
    expect(at(request, "oldObject", "metadata", "annotations")).toBeUndefined();
    expect(at(request, "object", "metadata", "annotations", "x")).toBe("y");
    expect(at(request, "userInfo", "groups")).toContain("system:serviceaccounts:kube-system");
  });

  test("warn through the request", async () => {
    const { callWebhook } = answering(() => ({ allowed: true, warnings: ["this will be slow"] }));
    const cluster = await testCluster({ callWebhook });
    await cluster.api.create(configuration("Validating", webhook("vpod.vpc.k8s.aws")));
    expect(await warningsOf(cluster, podManifest("a"))).toEqual(["this will be slow"]);
  });
});

describe("a dry run", () => {
  test("passes admission and stores nothing", async () => {
    const { calls, callWebhook } = answering(() => ({ allowed: true }));
    const cluster = await testCluster({ callWebhook });
    await cluster.api.create(configuration("Mutating", webhook("mpod.vpc.k8s.aws")));
    await warningsOf(cluster, podManifest("a"), true);
    expect(at(calls[0]?.body, "request", "dryRun")).toBe(true);
    await expect(cluster.api.get(coreRef("pods", "a"))).rejects.toMatchObject({ code: 404 });
  });
});
