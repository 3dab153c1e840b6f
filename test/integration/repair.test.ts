import {
  CreateNetworkInterfaceCommand,
  DeleteNetworkInterfaceCommand,
  DescribeNetworkInterfacesCommand,
  DisassociateTrunkInterfaceCommand,
  type EC2Client,
} from "@aws-sdk/client-ec2";
import { type BranchRecord, branded, type InstanceId, isVlanTaken, type PodEni, type VlanId } from "@trunkline/core";
import { createEc2Client } from "@trunkline/ec2";
import type { KubernetesObject } from "@trunkline/emulator-kubernetes";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { enablePodEni, type LocalWorld, startLocalWorld, withoutDelay } from "../support/local-world.ts";

const podEniKey = "vpc.amazonaws.com/pod-eni";
const namespace = "repair";

let local: LocalWorld;
let ec2: EC2Client;
let instanceId: InstanceId;
let nodeName: string;

beforeAll(async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  local = await startLocalWorld({ ec2: withoutDelay });
  ec2 = createEc2Client({ region: local.world.facts.region, endpoint: local.world.facts.ec2 });
  const { administrator, world } = local;
  await administrator.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  await administrator.create({
    apiVersion: "vpcresources.k8s.aws/v1beta1",
    kind: "SecurityGroupPolicy",
    metadata: { name: "all", namespace },
    spec: {
      podSelector: { matchLabels: { app: "served" } },
      securityGroups: { groupIds: [world.facts.podGroupId] },
    },
  });
  await enablePodEni(administrator);
  const [joined] = await world.addNodes(1, "m5.large");
  instanceId = branded<InstanceId>(joined ?? "");
  await eventually(async () => {
    const { objects } = await administrator.list({ group: "", resource: "nodes" });
    const ready = objects.find(({ status }) => (status as Capacity).allocatable?.[podEniKey] === "9");
    expect(ready).toBeDefined();
    nodeName = ready?.metadata.name ?? "";
  });
});

afterAll(async () => {
  ec2?.destroy();
  await local?.stop();
});

type Capacity = { readonly allocatable?: Readonly<Record<string, string>> };

const eventually = (check: () => Promise<unknown>) => vi.waitFor(check, { timeout: 25_000, interval: 100 });
const podRef = (name: string) => ({ group: "", resource: "pods", namespace, name });

/** Creates a pod of the node, which the policy matches unless it is not served. */
const createPod = async (name: string, app = "served"): Promise<KubernetesObject> =>
  local.administrator.create({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { app } },
    spec: { nodeName, terminationGracePeriodSeconds: 1, containers: [{ name: "main", image: "nginx" }] },
  });

const annotationOf = async (name: string): Promise<string> =>
  (await local.administrator.get(podRef(name))).metadata.annotations?.[podEniKey] ?? "";

const eniOf = async (name: string): Promise<PodEni> => {
  const [eni] = JSON.parse(await annotationOf(name)) as PodEni[];
  if (eni === undefined) throw new Error(`${name} has no ENI.`);
  return eni;
};

/** A pod that has its ENI. */
const serve = async (...names: readonly string[]): Promise<void> => {
  for (const name of names) await createPod(name);
  for (const name of names) await eventually(async () => expect(await annotationOf(name)).toContain("eni-"));
};

const end = (name: string) => local.administrator.delete(podRef(name));

const problemsOf = async (name: string): Promise<readonly string[]> =>
  (await local.eventsOn(name)).filter((event) => event.startsWith("BranchENIMissing"));

const partition = () => local.ledger.load(instanceId);

const recordOf = async (eniId: string): Promise<BranchRecord | undefined> =>
  (await partition()).branches.find((branch) => "eni" in branch && branch.eni?.eniId === eniId);

/** Nothing of the node's branches is left: no record, no VLAN ID, no slot, and no ENI of ours. */
const isEmpty = async (): Promise<void> => {
  const { trunk, branches } = await partition();
  expect(branches.filter(({ status }) => status !== "gone")).toEqual([]);
  expect(trunk).toMatchObject({ status: "ready", held: 0, vlans: "0".repeat(30) });
  const filters = [{ Name: "tag-key", Values: ["vpcresources.k8s.aws/vlan-id"] }];
  const { NetworkInterfaces } = await ec2.send(new DescribeNetworkInterfacesCommand({ Filters: filters }));
  expect(NetworkInterfaces).toEqual([]);
};

describe("repair", () => {
  test("a branch ENI that is deleted by hand is reported on its pod once; the pod keeps its annotation, and its end frees everything", async () => {
    await serve("deleted", "neighbour");
    const before = await annotationOf("deleted");
    const { eniId } = await eniOf("deleted");
    await ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: eniId }));

    await eventually(async () => expect(await problemsOf("deleted")).toHaveLength(1));
    expect(await problemsOf("deleted")).toEqual([expect.stringContaining(`${eniId} does not exist in EC2 any more`)]);
    expect(await annotationOf("deleted")).toBe(before);
    expect(await problemsOf("neighbour")).toEqual([]);
    expect(await recordOf(eniId)).toMatchObject({ status: "associated" });

    await end("deleted");
    await end("neighbour");
    await eventually(isEmpty);
  });

  test("a branch ENI that is disassociated by hand is reported, and deleted with its pod", async () => {
    await serve("cut");
    const { eniId, associationID } = await eniOf("cut");
    await ec2.send(new DisassociateTrunkInterfaceCommand({ AssociationId: associationID }));

    await eventually(async () => expect(await problemsOf("cut")).toEqual([expect.stringContaining("not associated")]));
    expect((await eniOf("cut")).eniId).toBe(eniId);

    await end("cut");
    await eventually(isEmpty);
  });

  test("a table that is wiped under running pods is rebuilt; no pod is touched, and no VLAN ID is given out twice", async () => {
    const names = ["kept-1", "kept-2", "kept-3"];
    await serve(...names);
    const before = await Promise.all(names.map(annotationOf));
    await local.wipe();

    await eventually(async () => {
      const { trunk, branches } = await partition();
      expect(trunk).toMatchObject({ status: "ready", held: 3 });
      expect(branches.map((branch) => [branch.status, "unproven" in branch && branch.unproven])).toEqual(
        names.map(() => ["associated", false]),
      );
    });
    await serve("new-1", "new-2", "new-3");

    expect(await Promise.all(names.map(annotationOf))).toEqual(before);
    const all = await Promise.all([...names, "new-1", "new-2", "new-3"].map(eniOf));
    expect(new Set(all.map(({ vlanId }) => vlanId)).size).toBe(6);
    expect(new Set(all.map(({ eniId }) => eniId)).size).toBe(6);
    for (const name of names) expect(await problemsOf(name)).toEqual([]);

    for (const name of [...names, "new-1", "new-2", "new-3"]) await end(name);
    await eventually(isEmpty);
  });

  test("an annotation that names a foreign ENI is reported; its VLAN ID goes to nobody, and its ENI is never touched", async () => {
    const { NetworkInterface: foreign } = await ec2.send(
      new CreateNetworkInterfaceCommand({ SubnetId: local.world.facts.subnetId }),
    );
    const eniId = foreign?.NetworkInterfaceId ?? "";
    await createPod("foreign", "not-served");
    const forged: PodEni = {
      eniId,
      ifAddress: "0a:00:00:00:00:01",
      privateIp: "192.168.0.99",
      ipv6Addr: "",
      vlanId: 5,
      subnetCidr: "192.168.0.0/16",
      subnetV6Cidr: "",
      associationID: "trunk-assoc-0123456789abcdef0",
    };
    const annotations = { [podEniKey]: JSON.stringify([forged]) };
    await local.world.kubernetes.api
      .as("system:serviceaccount:kube-system:vpc-resource-controller")
      .patch(podRef("foreign"), { type: "merge", body: { metadata: { annotations } } });

    await eventually(async () =>
      expect(await problemsOf("foreign")).toEqual([expect.stringContaining("EC2 shows no such branch")]),
    );
    const taken = (await partition()).trunk?.vlans ?? "";
    expect(isVlanTaken(taken, branded<VlanId>(5))).toBe(true);

    await end("foreign");
    await eventually(isEmpty);
    const { NetworkInterfaces } = await ec2.send(
      new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [eniId] }),
    );
    expect(NetworkInterfaces).toHaveLength(1);
  });
});
