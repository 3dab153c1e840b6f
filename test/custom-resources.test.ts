import { join } from "node:path";
import { type KubernetesEmulator, startKubernetesEmulator } from "@trunkline/emulator-kubernetes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deploy, readObjects } from "./support/kustomization.ts";

const table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const policies = "/apis/vpcresources.k8s.aws/v1beta1/namespaces/default/securitygrouppolicies";
const cniNodes = "/apis/vpcresources.k8s.aws/v1alpha1/cninodes";
let emulator: KubernetesEmulator;

const call = async (path: string, { body, accept = "application/json" }: { body?: unknown; accept?: string } = {}) => {
  const response = await fetch(`${emulator.url}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "content-type": "application/json", accept },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

/** What discovery says of a type: the names under which `kubectl` finds it, and whether it is namespaced. */
const discovered = async (groupVersion: string, resource: string) => {
  const { body } = await call(`/apis/${groupVersion}`);
  return (body.resources as { name: string }[]).find(({ name }) => name === resource);
};

/** What `kubectl get` prints: the columns' names, and the cells of each row. */
const printed = async (path: string) => {
  const { body } = await call(path, { accept: table });
  const { columnDefinitions, rows } = body as { columnDefinitions: { name: string }[]; rows: { cells: unknown[] }[] };
  return { columns: columnDefinitions.map(({ name }) => name), cells: rows.map(({ cells }) => cells) };
};

const policy = (name: string, spec: object) => ({
  apiVersion: "vpcresources.k8s.aws/v1beta1",
  kind: "SecurityGroupPolicy",
  metadata: { name },
  spec,
});

beforeAll(async () => {
  emulator = await startKubernetesEmulator();
  for (const file of ["securitygrouppolicies", "cninodes"]) {
    for (const definition of await readObjects(join(deploy, "crds", `${file}.yaml`))) {
      await call("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", { body: definition });
    }
  }
});

afterAll(() => emulator.stop());

describe("K01: SecurityGroupPolicy", () => {
  const expression = { key: "role", operator: "In", values: ["db"] };
  const selector = { matchLabels: { role: "db" }, matchExpressions: [expression] };
  const securityGroups = { groupIds: ["sg-1", "sg-2"] };

  test("is namespaced, and found as sgp", async () => {
    expect(await discovered("vpcresources.k8s.aws/v1beta1", "securitygrouppolicies")).toMatchObject({
      kind: "SecurityGroupPolicy",
      namespaced: true,
      shortNames: ["sgp"],
    });
  });

  test.each<[string, object]>([
    ["a selector of pods", { podSelector: selector, securityGroups }],
    ["a selector of ServiceAccounts", { serviceAccountSelector: selector, securityGroups }],
    ["both selectors, empty", { podSelector: {}, serviceAccountSelector: {}, securityGroups }],
    ["no selector", { securityGroups }],
  ])("keeps what it says with %s", async (name, spec) => {
    const made = await call(policies, { body: policy(name.toLowerCase().replaceAll(/[ ,]+/g, "-"), spec) });

    expect(made).toMatchObject({ status: 201, body: { spec } });
    expect(made.body.spec).toEqual(spec);
  });

  test("is refused when it names no group, or one that is no text", async () => {
    for (const groupIds of [[], [1]]) {
      const { status, body } = await call(policies, {
        body: policy("bad", { podSelector: {}, securityGroups: { groupIds } }),
      });

      expect(status).toBe(422);
      expect(body.message).toContain("spec.securityGroups.groupIds");
    }
  });

  test("shows its groups in a column", async () => {
    await call(policies, { body: policy("shown", { podSelector: {}, securityGroups }) });
    const { columns, cells } = await printed(policies);

    expect(columns).toEqual(["Name", "Security-Group-Ids"]);
    expect(cells).toContainEqual(["shown", '["sg-1","sg-2"]']);
  });
});

describe("K02: CNINode", () => {
  const spec = {
    features: [{ name: "SecurityGroupsForPods" }, { name: "CustomNetworking", value: "zone-a" }],
    tags: { "node.k8s.amazonaws.com/instance_id": "i-0123456789abcdef0" },
  };
  const cniNode = (name: string, given: object) => ({
    apiVersion: "vpcresources.k8s.aws/v1alpha1",
    kind: "CNINode",
    metadata: { name },
    spec: given,
  });

  test("belongs to the cluster, and is found as cnd", async () => {
    expect(await discovered("vpcresources.k8s.aws/v1alpha1", "cninodes")).toMatchObject({
      kind: "CNINode",
      namespaced: false,
      shortNames: ["cnd"],
    });
  });

  test("keeps features and tags, and shows the features in a column", async () => {
    const made = await call(cniNodes, { body: cniNode("node-a", spec) });
    const { columns, cells } = await printed(cniNodes);

    expect(made).toMatchObject({ status: 201 });
    expect(made.body.spec).toEqual(spec);
    expect(columns).toEqual(["Name", "Features"]);
    expect(cells).toEqual([["node-a", JSON.stringify(spec.features)]]);
  });

  test("is refused with a tag that is no text", async () => {
    const { status, body } = await call(cniNodes, { body: cniNode("node-b", { tags: { a: 1 } }) });

    expect(status).toBe(422);
    expect(body.message).toContain("spec.tags");
  });
});

test("K03: the forwarder may read ENIConfigs and do nothing else to them, and installs no definition of them", async () => {
  const roles = await readObjects(join(deploy, "base/rbac.yaml"));
  const rules = roles.flatMap(({ rules = [] }) => rules as { resources: string[]; verbs: string[] }[]);
  const verbs = rules.filter(({ resources }) => resources.includes("eniconfigs")).flatMap((rule) => rule.verbs);

  expect(verbs.toSorted()).toEqual(["list", "watch"]);
  expect(await discovered("crd.k8s.amazonaws.com/v1alpha1", "eniconfigs").catch(() => undefined)).toBeUndefined();
});
