import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Ec2Emulator, startEc2Emulator } from "@trunkline/emulator-ec2";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Landscape, landscapeSeed, makeLandscape, runNodes } from "./landscape.ts";
import { createNetwork } from "./network.ts";

const examples = fileURLToPath(new URL("../../../examples/security-groups-for-pods/", import.meta.url));

let emulator: Ec2Emulator;
let landscape: Landscape;

beforeEach(async () => {
  const config = { transitions: { pendingMs: 0, attachingMs: 0 } };
  emulator = await startEc2Emulator({ region: "us-west-2", seed: landscapeSeed, config });
  landscape = makeLandscape(emulator.model());
});

afterEach(async () => {
  await emulator.stop();
});

const runNode = () => {
  const [instanceId = ""] = runNodes(emulator.model(), landscape, {
    cluster: "demo",
    count: 1,
    instanceType: "m5.large",
  });
  return instanceId;
};

/** A branch ENI with the pods' group, and what a node's plugin would be told about it. */
const associateBranch = async (instanceId: string) => {
  const ec2 = emulator.model();
  const create = (groupId: string, InterfaceType?: "trunk") =>
    ec2.perform("CreateNetworkInterface", {
      SubnetId: landscape.subnetId,
      Groups: [groupId],
      ...(InterfaceType ? { InterfaceType } : {}),
    }).NetworkInterface;
  const trunk = create(landscape.clusterGroupId, "trunk")?.NetworkInterfaceId ?? "";
  await new Promise((resolve) => setTimeout(resolve, 20));
  ec2.perform("AttachNetworkInterface", { NetworkInterfaceId: trunk, InstanceId: instanceId, DeviceIndex: 2 });
  const branch = create(landscape.podGroupId);
  const eniId = branch?.NetworkInterfaceId ?? "";
  ec2.perform("AssociateTrunkInterface", { BranchInterfaceId: eniId, TrunkInterfaceId: trunk, VlanId: 7 });
  const mac = branch?.MacAddress ?? "";
  return { instanceId, eniId, vlanId: 7, privateIp: branch?.PrivateIpAddress ?? "", mac };
};

describe("the landscape of the local world", () => {
  it("has the group and the database address that the examples name", async () => {
    const files = (await readdir(examples)).filter((name) => name.endsWith(".yaml"));
    const text = (await Promise.all(files.map((name) => readFile(`${examples}${name}`, "utf8")))).join("\n");

    expect(text).toContain(landscape.podGroupId);
    expect(text).toContain(landscape.databaseAddress);
  });

  it("lets the pods' group, and nobody else, reach the database", async () => {
    const network = createNetwork(emulator.model());
    const { privateIp, instanceId } = await associateBranch(runNode());
    const ordinary = network.assignSecondaryAddress(instanceId);
    const reach = (fromAddress: string) =>
      network.reach({ fromAddress, toAddress: landscape.databaseAddress, protocol: "tcp", port: 5432 });

    expect(reach(privateIp)).toBe(true);
    expect(reach("address" in ordinary ? ordinary.address : "")).toBe(false);
  });
});

describe("the wire below the pods", () => {
  it("gives a node's addresses out until the interface is full, and again when they are released", () => {
    const network = createNetwork(emulator.model());
    const instanceId = runNode();
    const given = Array.from({ length: 9 }, () => network.assignSecondaryAddress(instanceId));

    expect(new Set(given.map((answer) => ("address" in answer ? answer.address : ""))).size).toBe(9);
    expect(network.assignSecondaryAddress(instanceId)).toEqual({
      error: "no available IP addresses on the interfaces of this node",
    });

    const [first] = given;
    network.releaseSecondaryAddress(instanceId, first && "address" in first ? first.address : "");
    expect(network.assignSecondaryAddress(instanceId)).toHaveProperty("address");
  });

  it("is there for a branch only under its own VLAN ID, address and node", async () => {
    const network = createNetwork(emulator.model());
    const binding = await associateBranch(runNode());

    expect(network.branchIsWired(binding)).toBe(true);
    expect(network.branchIsWired({ ...binding, vlanId: 8 })).toBe(false);
    expect(network.branchIsWired({ ...binding, privateIp: "192.168.0.9" })).toBe(false);
    expect(network.branchIsWired({ ...binding, instanceId: "i-00000000000000000" })).toBe(false);
    expect(network.branchIsWired({ ...binding, eniId: "eni-00000000000000000" })).toBe(false);
  });
});
