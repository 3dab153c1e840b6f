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
    const { metadata } = await read("1-namespace");
    const others = await Promise.all(
      ["2-policy", "3-deployment", "4-service", "5-green-pod", "6-red-pod"].map((name) => read(name)),
    );

    expect(others.map((manifest) => manifest.metadata.namespace)).toEqual(Array(5).fill(metadata.name));
  });

  test("give the pod group to the Deployment and to green, and not to red", async () => {
    const policy = compilePolicy(await read<SecurityGroupPolicyObject>("2-policy"), Date.parse);
    const deployment = await read("3-deployment");
    const [green, red] = [await read("5-green-pod"), await read("6-red-pod")];
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
    const [service, deployment] = [await read("4-service"), await read("3-deployment")];

    expect(deployment.spec.template.metadata.labels).toMatchObject(service.spec.selector);
  });
});
