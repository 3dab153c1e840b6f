import { join } from "node:path";
import { createKubernetesModel, type WebhookCall } from "@trunkline/emulator-kubernetes";
import type { KubernetesObject } from "@trunkline/emulator-kubernetes/ports";
import { type AdmissionRequest, answerOf, judge } from "@trunkline/forwarder/admission";
import { compilePolicy, matchPolicies } from "@trunkline/kubernetes";
import { describe, expect, test } from "vitest";
import { deploy, readObjects } from "./support/kustomization.ts";

const eni = "vpc.amazonaws.com/pod-eni";
const one = { [eni]: "1" };
const shipped = (await readObjects(join(deploy, "base/webhooks.yaml"))).filter(
  ({ kind }) => kind === "MutatingWebhookConfiguration",
);

const policies = ["default", "kube-system"].map((namespace) =>
  compilePolicy(
    {
      metadata: { name: "db", namespace },
      spec: { podSelector: { matchLabels: { role: "db" } }, securityGroups: { groupIds: ["sg-00000001"] } },
    },
    Date.parse,
  ),
);

interface Container {
  readonly name: string;
  readonly image?: string;
  readonly resources?: object;
}

const sidecar: Container = { name: "sidecar", image: "envoy:1.32" };

/** A webhook of somebody else, which changes pods in its own way. */
const injector = (operations: (containers: readonly Container[]) => readonly object[]) => ({
  configuration: {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: "zz-sidecars" },
    webhooks: [
      {
        name: "sidecar.example.com",
        clientConfig: { url: "https://sidecar.example.com/inject" },
        rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }],
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
      },
    ],
  } as KubernetesObject,
  operations,
});

/** An API server with the shipped webhook, answered by the forwarder's judge, and perhaps another one after it. */
const cluster = async (other?: ReturnType<typeof injector>) => {
  const asked: string[] = [];
  const callWebhook = async ({ target, body }: WebhookCall) => {
    const { request } = body as { request: AdmissionRequest };
    if (other !== undefined && "url" in target) {
      asked.push("sidecar");
      const { containers } = (request.object as { spec: { containers: readonly Container[] } }).spec;
      return answerOf(request.uid, { allowed: true, patch: other.operations(containers) as never });
    }
    asked.push("forwarder");
    const verdict = await judge("/mutate-v1-pod", request, {
      match: (pod) => matchPolicies(policies, pod, () => ({})),
      lookUpServiceAccount: async () => undefined,
    });
    return answerOf(request.uid, verdict);
  };
  const clock = { now: () => Date.parse("2026-11-21T12:00:00Z"), schedule: () => () => {} };
  const { api } = await createKubernetesModel({ clock, random: () => 0.5, callWebhook });
  const administrator = api.as("kubernetes-admin");
  const configurations = [...shipped, ...(other === undefined ? [] : [other.configuration])];
  for (const configuration of configurations) await administrator.create(configuration);
  const create = async (change: { labels?: object; namespace?: string; containers?: readonly Container[] } = {}) => {
    const {
      labels = { role: "db" },
      namespace = "default",
      containers = [{ name: "app", image: "nginx:1.27" }],
    } = change;
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a", namespace, labels }, spec: { containers } };
    const { spec } = await administrator.create(pod as KubernetesObject);
    return (spec as { containers: readonly Container[] }).containers.map(({ name, resources }) => ({
      name,
      resources,
    }));
  };
  return { asked, create };
};

const asking = { name: "app", resources: { limits: one, requests: one } };

describe("the shipped webhook", () => {
  test("K35: gives a pod that a policy matches its request", async () => {
    expect(await (await cluster()).create()).toEqual([asking]);
  });

  test("cannot be escaped by the forwarder's label", async () => {
    const labels = { role: "db", "app.kubernetes.io/name": "trunkline-forwarder" };

    expect(await (await cluster()).create({ labels })).toEqual([asking]);
  });

  test("K44: is not asked about the forwarder's own namespace", async () => {
    const { asked, create } = await cluster();

    expect(await create({ namespace: "kube-system" })).toEqual([{ name: "app", resources: {} }]);
    expect(asked).toEqual([]);
  });

  test("K35: follows a container that a later webhook puts first, and asks for one ENI still", async () => {
    const { asked, create } = await cluster(
      injector(() => [{ op: "add", path: "/spec/containers/0", value: sidecar }]),
    );

    expect(await create()).toEqual([
      { name: "sidecar", resources: { limits: one, requests: one } },
      { name: "app", resources: {} },
    ]);
    expect(asked).toEqual(["forwarder", "sidecar", "forwarder"]);
  });

  test("leaves the request where it is when a later webhook puts its container last", async () => {
    const { asked, create } = await cluster(
      injector(() => [{ op: "add", path: "/spec/containers/-", value: sidecar }]),
    );

    expect(await create()).toEqual([asking, { name: "sidecar", resources: {} }]);
    expect(asked).toEqual(["forwarder", "sidecar", "forwarder"]);
  });

  test("K35: asks again for a pod whose first container a later webhook has stripped", async () => {
    const path = "/spec/containers/0/resources";
    const { create } = await cluster(injector(() => [{ op: "replace", path, value: { limits: { cpu: "1" } } }]));

    expect(await create()).toEqual([
      { name: "app", resources: { limits: { cpu: "1", ...one }, requests: { cpu: "1", ...one } } },
    ]);
  });

  test("is asked once when nobody changes the pod after it", async () => {
    const { asked, create } = await cluster(injector(() => []));

    expect(await create()).toEqual([asking]);
    expect(asked).toEqual(["forwarder", "sidecar"]);
  });
});
