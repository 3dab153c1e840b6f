import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { evaluate } from "@marcbachmann/cel-js";
import { forwarderUser, guardChangedPod, guardNewPod, type PodObject, podEniKey } from "@trunkline/kubernetes";
import { beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";

interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string };
  spec: {
    validations: { expression: string; message: string }[];
    policyName: string;
    names: { plural: string; shortNames: string[] };
    group: string;
    template: { spec: { serviceAccountName: string } };
  };
  webhooks: { name: string; clientConfig: { service: { path: string } }; failurePolicy: string }[];
  subjects: { name: string; namespace: string }[];
}

const deploy = join(import.meta.dirname, "../../deploy");
const manifests: Manifest[] = [];

beforeAll(async () => {
  for (const folder of ["crds", "base"]) {
    for (const name of await readdir(join(deploy, folder))) {
      const documents = parseAllDocuments(await readFile(join(deploy, folder, name), "utf8"));
      manifests.push(...documents.map((document) => document.toJS({ maxAliasCount: 0 }) as Manifest));
    }
  }
});

const named = (kind: string, name: string): Manifest => {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
};

test("the custom resources have the names that people and the CNI plugin know", () => {
  const names = (name: string) => named("CustomResourceDefinition", name).spec.names.shortNames;

  expect(names("securitygrouppolicies.vpcresources.k8s.aws")).toEqual(["sgp"]);
  expect(names("cninodes.vpcresources.k8s.aws")).toEqual(["cnd"]);
});

test("the webhooks have the names that people know and lead to the paths that the forwarder serves", () => {
  const hooks = [
    named("MutatingWebhookConfiguration", "vpc-resource-mutating-webhook"),
    named("ValidatingWebhookConfiguration", "vpc-resource-validating-webhook"),
  ].flatMap((manifest) => manifest.webhooks.map((hook) => [hook.name, hook.clientConfig.service.path]));

  expect(hooks).toEqual([
    ["mpod.vpc.k8s.aws", "/mutate-v1-pod"],
    ["vpod.vpc.k8s.aws", "/validate-v1-pod"],
    ["vnode.vpc.k8s.aws", "/validate-v1-node"],
  ]);
});

test("the forwarder runs as the user that the guard lets write the annotation", () => {
  const { serviceAccountName } = named("Deployment", "trunkline-forwarder").spec.template.spec;
  const [subject] = named("ClusterRoleBinding", "trunkline-forwarder").subjects;

  expect(`system:serviceaccount:${subject?.namespace}:${serviceAccountName}`).toBe(forwarderUser);
  expect(subject?.name).toBe(serviceAccountName);
});

describe("the policy inside the API server says what the webhook says", () => {
  const pod = (annotations?: Record<string, string>): PodObject => ({
    metadata: annotations === undefined ? {} : { annotations },
  });
  const podSg = "fargate.amazonaws.com/pod-sg";
  const states = [pod(), pod({ a: "b" }), pod({ [podEniKey]: "x" }), pod({ [podEniKey]: "y" }), pod({ [podSg]: "z" })];
  const admits = (request: object, object: PodObject, oldObject: PodObject | null): boolean =>
    named("ValidatingAdmissionPolicy", "vpc-resource-pod-annotations").spec.validations.every(
      ({ expression }) => evaluate(expression, { request, object, oldObject }) === true,
    );

  test.each(states)("about a new pod with %j", (object) => {
    const request = { operation: "CREATE", userInfo: { username: "jane" } };

    expect(admits(request, object, null)).toBe(guardNewPod(object).allowed);
  });

  test.each([forwarderUser, "jane"])("about every change by %s", (username) => {
    const request = { operation: "UPDATE", userInfo: { username } };
    const verdicts = states.flatMap((before) =>
      states.map((after) => [admits(request, after, before), guardChangedPod(before, after, username).allowed]),
    );

    expect(verdicts.map(([byPolicy]) => byPolicy)).toEqual(verdicts.map(([, byWebhook]) => byWebhook));
    expect(new Set(verdicts.map(([byPolicy]) => byPolicy)).size).toBe(2);
  });

  test("and is bound", () => {
    expect(named("ValidatingAdmissionPolicyBinding", "vpc-resource-pod-annotations").spec.policyName).toBe(
      "vpc-resource-pod-annotations",
    );
  });
});
