import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { forwarderUser } from "@trunkline/kubernetes";
import { beforeAll, expect, test } from "vitest";
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
