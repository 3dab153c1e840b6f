import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescribeInstancesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { type KubernetesEmulator, startKubernetesEmulator } from "@trunkline/emulator-kubernetes";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import { endPrograms, launcher, type Program, runProgram, untilReady } from "../support/program.ts";

const podEni = "vpc.amazonaws.com/pod-eni";
const instanceId = "i-0123456789abcdef0";

let folder: string;
/** Stands in for a real API server: nothing of the local world knows that it is an emulator. */
let cluster: KubernetesEmulator;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "start-kubeconfig-"));
  cluster = await startKubernetesEmulator();
  const server = { server: cluster.url, "insecure-skip-tls-verify": true };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "mine",
    clusters: [{ name: "mine", cluster: server }],
    users: [{ name: "me", user: {} }],
    contexts: [{ name: "mine", context: { cluster: "mine", user: "me" } }],
  };
  await writeFile(join(folder, "config"), stringify(config));
  await createNode("node-a", `aws:///us-west-2a/${instanceId}`);
  await createNode("node-b", "kind://docker/kind/node-b");
});

afterEach(async () => {
  endPrograms();
  await cluster.stop();
  await rm(folder, { recursive: true, force: true });
});

const administrator = () => cluster.api.as("kubernetes-admin");
const eventually = <Found>(look: () => Promise<Found> | Found) => vi.waitFor(look, { timeout: 15_000, interval: 50 });

const createNode = (name: string, providerID: string) =>
  administrator().create({
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: { "kubernetes.io/os": "linux", "vpc.amazonaws.com/has-trunk-attached": "true" },
    },
    spec: { providerID },
  });

const start = async (...words: string[]): Promise<Program> => {
  const program = runProgram([launcher, "start", "--kubeconfig", "config", ...words], { folder, variables: {} });
  await untilReady(program);
  return program;
};

const worldFacts = async () =>
  JSON.parse(await readFile(join(folder, ".trunkline/world.json"), "utf8")) as {
    kubernetes: string;
    ec2: string;
    podGroupId: string;
  };

const instances = async (): Promise<readonly (string | undefined)[]> => {
  const { ec2: endpoint } = await worldFacts();
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = new EC2Client({ endpoint, region: "us-west-2", credentials });
  const { Reservations = [] } = await client.send(new DescribeInstancesCommand({}));
  client.destroy();
  return Reservations.flatMap(({ Instances = [] }) => Instances.map(({ InstanceId }) => InstanceId));
};

describe("npm start with the kubeconfig of a real API server", () => {
  test("reports nodes whose instances the emulated EC2 does not have", async () => {
    const { said } = await start();

    expect(said.output).toContain(
      `node node-a: the emulated EC2 has no instance ${instanceId}; --adopt-nodes makes one\n`,
    );
    expect(said.output).toContain('node node-b: its provider ID "kind://docker/kind/node-b" names no EC2 instance\n');
    expect(await instances()).toEqual([]);
    expect((await worldFacts()).kubernetes).toBe(cluster.url);
    expect(await readdir(join(folder, ".trunkline"))).not.toContain("kubeconfig");
  });

  test("tells in one line that the API server does not answer", async () => {
    await cluster.stop();
    const { said, ended } = runProgram([launcher, "start", "--kubeconfig", "config"], { folder, variables: {} });

    expect(await ended).toBe(1);
    expect(said.errors).toMatch(
      /^trunkline: the API server of config does not show its nodes: connect ECONNREFUSED 127\.0\.0\.1:\d+\n$/,
    );
  });

  test("adopts its nodes, gives its pods their ENIs, and takes its webhooks away again", async () => {
    const { child, said, ended } = await start("--adopt-nodes");
    expect(await instances()).toEqual([instanceId]);
    const { podGroupId } = await worldFacts();

    await administrator().create({
      apiVersion: "vpcresources.k8s.aws/v1beta1",
      kind: "SecurityGroupPolicy",
      metadata: { name: "mine", namespace: "default" },
      spec: { podSelector: {}, securityGroups: { groupIds: [podGroupId] } },
    });
    const pod = { group: "", resource: "pods", namespace: "default", name: "mine" };
    await eventually(async () => {
      // The forwarder may not know the policy yet; then the pod is admitted without a request.
      await administrator()
        .delete(pod, { gracePeriodSeconds: 0 })
        .catch(() => undefined);
      const created = await administrator().create({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "mine", namespace: "default" },
        spec: { containers: [{ name: "a", image: "nginx" }] },
      });
      expect(JSON.stringify(created.spec)).toContain(podEni);
    });
    await administrator().create(
      {
        apiVersion: "v1",
        kind: "Binding",
        metadata: { name: "mine", namespace: "default" },
        target: { apiVersion: "v1", kind: "Node", name: "node-a" },
      },
      { subresource: "binding" },
    );
    await eventually(async () =>
      expect((await administrator().get(pod)).metadata.annotations?.[podEni]).toContain('"eniId":"eni-'),
    );

    await createNode("node-c", "aws:///us-west-2a/i-0fedcba9876543210");
    await eventually(() =>
      expect(said.output).toContain("node node-c: the emulated EC2 has the instance i-0fedcba9876543210 now"),
    );

    process.kill(-(child.pid ?? 0), "SIGINT");
    expect(await ended).toBe(0);
    const webhooks = await Promise.all(
      ["mutatingwebhookconfigurations", "validatingwebhookconfigurations", "validatingadmissionpolicies"].map(
        (resource) => administrator().list({ group: "admissionregistration.k8s.io", resource }),
      ),
    );
    expect(webhooks.flatMap(({ objects }) => objects)).toEqual([]);
  });
});
