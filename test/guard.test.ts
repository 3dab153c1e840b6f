import { join } from "node:path";
import { type ApiAccess, createKubernetesModel } from "@trunkline/emulator-kubernetes";
import type { KubernetesObject } from "@trunkline/emulator-kubernetes/ports";
import { type AdmissionRequest, answerOf, hooks, judge } from "@trunkline/forwarder/admission";
import { describe, expect, test } from "vitest";
import { deploy, readObjects } from "./support/kustomization.ts";

const eni = "vpc.amazonaws.com/pod-eni";
const fargate = "fargate.amazonaws.com/pod-sg";
const trunk = "vpc.amazonaws.com/has-trunk-attached";
const eniConfig = "vpc.amazonaws.com/eniConfig";
const forwarder = "system:serviceaccount:kube-system:vpc-resource-controller";
const awsNode = "system:serviceaccount:kube-system:aws-node";
const administrator = "kubernetes-admin";
const scheduler = "system:kube-scheduler";

type StringMap = Readonly<Record<string, string>>;

/** What somebody does to a cluster; `prepare` runs before anything is guarded. */
interface Deed {
  readonly user: string;
  prepare(api: ApiAccess): Promise<unknown>;
  act(api: ApiAccess): Promise<unknown>;
}

/** An API server without a network, whose webhooks are answered by the forwarder's judge. */
const model = () =>
  createKubernetesModel({
    clock: { now: () => Date.parse("2026-11-21T12:00:00Z"), schedule: () => () => {} },
    random: () => 0.5,
    callWebhook: async ({ target, body }) => {
      const hook = hooks.find((path) => "service" in target && target.service.path === path);
      if (hook === undefined) throw new Error(`no webhook at ${JSON.stringify(target)}`);
      const request = (body as { request: AdmissionRequest }).request;
      const options = {
        match: () => ({ ok: true, policies: [], groupIds: [] }) as const,
        lookUpServiceAccount: async () => undefined,
      };
      return answerOf(request.uid, await judge(hook, request, options));
    },
  });

const guards = await readObjects(join(deploy, "base/guard.yaml"));
const webhooks = await readObjects(join(deploy, "base/webhooks.yaml"));

interface Rules {
  readonly resources: readonly string[];
}
const policyRules = guards.flatMap(
  ({ spec }) => (spec as { matchConstraints?: { resourceRules: Rules[] } }).matchConstraints?.resourceRules ?? [],
);

/** The validating webhooks, asked about everything that the policies are asked about, by everybody and everywhere. */
const widened = webhooks
  .filter(({ kind }) => kind === "ValidatingWebhookConfiguration")
  .map((configuration) => ({
    ...configuration,
    webhooks: (configuration.webhooks as { name: string }[]).map((webhook) => ({
      ...webhook,
      failurePolicy: "Fail",
      matchConditions: [],
      namespaceSelector: {},
      rules: policyRules.filter(({ resources }) => resources[0]?.startsWith("nodes") === (webhook.name[1] === "n")),
    })),
  })) as readonly KubernetesObject[];

/** What comes of a deed where these objects guard the cluster: nothing when it is allowed, else the words of the refusal. */
const outcomeOf = async (objects: readonly KubernetesObject[], { user, prepare, act }: Deed): Promise<string> => {
  const { api } = await model();
  await prepare(api.as(administrator));
  for (const object of objects) await api.as(administrator).create(object);
  try {
    await act(api.as(user));
    return "";
  } catch (error) {
    const [, words] = /denied (?:the )?request: (.*)$/.exec((error as Error).message) ?? [];
    if (words === undefined) throw error;
    return words;
  }
};

/** Whether a deed is allowed; both guards must say the same in the same words. */
const isAllowed = async (deed: Deed): Promise<boolean> => {
  const [byPolicy, byWebhook] = [await outcomeOf(guards, deed), await outcomeOf(widened, deed)];

  expect(byPolicy).toBe(byWebhook);
  return byPolicy === "";
};

const pod = (annotations: StringMap | undefined, namespace = "default"): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "a", namespace, ...(annotations === undefined ? {} : { annotations }) },
  spec: { containers: [{ name: "app", image: "nginx:1.27" }] },
});
const podRef = { group: "", resource: "pods", namespace: "default", name: "a" };
const states: readonly (StringMap | undefined)[] = [
  undefined,
  { a: "b" },
  { [eni]: "" },
  { [eni]: "x" },
  { [eni]: "y", a: "b" },
  { [fargate]: "sg-1" },
  { [fargate]: "" },
];
const nothing = async () => {};

describe("K42: the policies inside the API server and the webhooks agree", () => {
  test.each(states.map((state) => [state]))("about a new pod with annotations %j", async (annotations) => {
    const deed = (user: string, namespace = "default"): Deed => ({
      user,
      prepare: nothing,
      act: (api) => api.create(pod(annotations, namespace)),
    });

    for (const user of ["jane", administrator, forwarder]) {
      expect(await isAllowed(deed(user))).toBe(annotations?.[eni] === undefined);
    }
    expect(await isAllowed(deed("jane", "kube-system"))).toBe(annotations?.[eni] === undefined);
  });

  test.each(["jane", administrator, forwarder].flatMap((user) => [undefined, "status"].map((part) => [user, part])))(
    "about every change of annotations by %s through %s",
    async (user = "", subresource) => {
      for (const before of states) {
        for (const after of states) {
          const cleared = Object.fromEntries(Object.keys(before ?? {}).map((key) => [key, null]));
          const body = { metadata: { annotations: { ...cleared, ...after } } };
          const allowed = await isAllowed({
            user,
            prepare: (api) => api.create(pod(before)),
            act: (api) =>
              api.patch(podRef, { type: "merge", body, ...(subresource === undefined ? {} : { subresource }) }),
          });
          const keepsEni = user === forwarder || before?.[eni] === after?.[eni];

          expect(allowed).toBe(keepsEni && before?.[fargate] === after?.[fargate]);
        }
      }
    },
  );

  test.each([{ subresource: "binding" }, {}])("about the annotations that a binding brings (%j)", async (way) => {
    for (const annotations of states) {
      const metadata = { name: "a", namespace: "default", ...(annotations === undefined ? {} : { annotations }) };
      const binding = { apiVersion: "v1", kind: "Binding", metadata, target: { kind: "Node", name: "n" } };

      expect(
        await isAllowed({
          user: scheduler,
          prepare: (api) => api.create(pod(undefined)),
          act: (api) => api.create(binding, way),
        }),
      ).toBe(annotations?.[eni] === undefined && annotations?.[fargate] === undefined);
    }
  });

  const changes: readonly [string, object, boolean, "status"?][] = [
    ["the trunk's label", { metadata: { labels: { [trunk]: "true" } } }, true],
    ["the ENIConfig's label", { metadata: { labels: { [eniConfig]: "zone-b" } } }, true],
    ["the ENIConfig's label away", { metadata: { labels: { [eniConfig]: null } } }, true],
    ["all labels away but the two", { metadata: { labels: { zone: null, [trunk]: "" } } }, false],
    ["another label", { metadata: { labels: { x: "y" } } }, false],
    ["another label's value", { metadata: { labels: { zone: "b" } } }, false],
    ["another label and its own", { metadata: { labels: { zone: "b", [trunk]: "true" } } }, false],
    ["an annotation", { metadata: { annotations: { x: "y" } } }, false],
    ["an annotation away", { metadata: { annotations: { kept: null } } }, false],
    ["a finalizer", { metadata: { finalizers: ["example.com/x"] } }, false],
    ["an owner", { metadata: { ownerReferences: [{ apiVersion: "v1", kind: "Node", name: "n", uid: "u" }] } }, false],
    ["a taint", { spec: { taints: [{ key: "x", effect: "NoSchedule" }] } }, false],
    ["whether it can be scheduled to", { spec: { unschedulable: true } }, false],
    ["nothing", {}, true],
    ["a capacity", { status: { capacity: { cpu: "9" } } }, false, "status"],
    ["a label by way of the status", { metadata: { labels: { x: "y" } } }, false, "status"],
  ];

  test.each(changes)("about what changes %s of a node", async (_, body, expected, subresource) => {
    const deed = (user: string): Deed => ({
      user,
      prepare: (api) =>
        api.create({
          apiVersion: "v1",
          kind: "Node",
          metadata: { name: "n", labels: { zone: "a", [eniConfig]: "zone-a" }, annotations: { kept: "yes" } },
          spec: { providerID: "aws:///us-west-2a/i-0123456789abcdef0" },
        }),
      act: (api) =>
        api.patch(
          { group: "", resource: "nodes", name: "n" },
          { type: "merge", body, ...(subresource === undefined ? {} : { subresource }) },
        ),
    });

    expect(await isAllowed(deed(awsNode))).toBe(expected);
    expect(await isAllowed(deed("system:node:n"))).toBe(true);
  });
});

test("K42: every policy is bound, and refuses", () => {
  const named = (kind: string) => guards.filter((object) => object.kind === kind);
  const bound = named("ValidatingAdmissionPolicyBinding").map(
    ({ spec }) => spec as { policyName: string; validationActions: string[] },
  );

  expect(bound.map(({ policyName }) => policyName)).toEqual(
    named("ValidatingAdmissionPolicy").map(({ metadata }) => metadata.name),
  );
  expect(bound.flatMap(({ validationActions }) => validationActions)).toEqual(bound.map(() => "Deny"));
});

test("K44: the webhooks leave out the namespace that the forwarder runs in, and nothing that a pod says of itself", () => {
  const configured = webhooks.flatMap((configuration) => configuration.webhooks as Record<string, unknown>[]);
  const aboutPods = configured.filter(({ name }) => /pod/.test(String(name)));

  expect(aboutPods).toHaveLength(2);
  for (const { namespaceSelector, objectSelector } of aboutPods) {
    expect(objectSelector).toBeUndefined();
    expect(namespaceSelector).toEqual({
      matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["kube-system"] }],
    });
  }
});

test("K43: the webhooks take reviews of v1, say that they have no side effects, and are waited for 5 s at most", () => {
  const configured = webhooks.flatMap((configuration) => configuration.webhooks as Record<string, unknown>[]);

  expect(configured).toHaveLength(3);
  for (const webhook of configured) {
    expect(webhook).toMatchObject({ admissionReviewVersions: ["v1"], sideEffects: "None", timeoutSeconds: 5 });
  }
});
