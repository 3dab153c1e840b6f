import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { compilePolicy, matchPolicies, type SecurityGroupPolicyObject } from "@trunkline/kubernetes";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

const folder = join(import.meta.dirname, "../examples/security-groups-for-pods");

interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec: { selector: Record<string, string>; template: { metadata: { labels: Record<string, string> } } };
}

const read = async <Kind extends object = Manifest>(name: string): Promise<Kind> =>
  parse(await readFile(join(folder, `${name}.yaml`), "utf8")) as Kind;

describe("the tutorial's manifests", () => {
  test("are all in its namespace", async () => {
    const { metadata } = await read("namespace");
    const others = await Promise.all(
      ["policy", "deployment", "service", "green-pod", "red-pod"].map((name) => read(name)),
    );

    expect(others.map((manifest) => manifest.metadata.namespace)).toEqual(Array(5).fill(metadata.name));
  });

  test("give the pod group to the Deployment and to green, and not to red", async () => {
    const policy = compilePolicy(await read<SecurityGroupPolicyObject>("policy"), Date.parse);
    const deployment = await read("deployment");
    const [green, red] = [await read("green-pod"), await read("red-pod")];
    const groupsOf = (labels: Record<string, string> = {}) => {
      const pod = { namespace: "my-namespace", labels, serviceAccountName: "default" };
      const match = matchPolicies([policy], pod, () => undefined);
      return match.ok ? match.groupIds.length : match.problem;
    };

    expect(groupsOf(deployment.spec.template.metadata.labels)).toBe(1);
    expect(groupsOf(green.metadata.labels)).toBe(1);
    expect(groupsOf(red.metadata.labels)).toBe(0);
  });

  test("let the Service find the Deployment's pods", async () => {
    const [service, deployment] = [await read("service"), await read("deployment")];

    expect(deployment.spec.template.metadata.labels).toMatchObject(service.spec.selector);
  });
});
