import type { PerformedCall } from "@trunkline/emulator-ec2";
import { beforeEach, describe, expect, it } from "vitest";
import { createWitness, type SeenPod, type Witness } from "./witness.ts";

let time: number;
let witness: Witness;

const call = (action: PerformedCall["action"], input: object, output: object = {}) =>
  witness.call({ action, input, output } as PerformedCall);
const associate = (eniId: string, vlanId: number, trunkId = "eni-trunk") =>
  call(
    "AssociateTrunkInterface",
    {},
    {
      InterfaceAssociation: {
        AssociationId: `assoc-${eniId}`,
        BranchInterfaceId: eniId,
        TrunkInterfaceId: trunkId,
        VlanId: vlanId,
      },
    },
  );
const branch = (eniId: string, vlanId: number, groupId = "sg-a") => {
  call(
    "CreateNetworkInterface",
    {},
    { NetworkInterface: { NetworkInterfaceId: eniId, Groups: [{ GroupId: groupId }] } },
  );
  associate(eniId, vlanId);
};
const seen = (uid: string, changes: Partial<SeenPod> = {}) =>
  witness.pod({
    uid,
    namespace: "alpha",
    name: uid,
    labels: { role: "a" },
    nodeName: "node-1",
    enis: 1,
    isTerminal: false,
    annotation: undefined,
    ...changes,
  });
const naming = (eniId: string, vlanId: number) => ({ annotation: JSON.stringify([{ eniId, vlanId }]) });

beforeEach(() => {
  time = 1_800_000_000_000;
  witness = createWitness({
    now: () => time,
    nodeGroups: ["sg-node"],
    policyLagMilliseconds: 1_000,
    cooldownMilliseconds: 3_000,
  });
  witness.node("node-1", "i-1");
  witness.policy({ namespace: "alpha", name: "p" }, { labels: { role: "a" }, groupIds: ["sg-a"] });
  call("AttachNetworkInterface", { NetworkInterfaceId: "eni-trunk", InstanceId: "i-1" });
  branch("eni-1", 1);
  time += 10_000;
  seen("p1");
});

describe("a witness", () => {
  it("has nothing to say of a pod that gets its ENI, ends, and leaves it to the next one after the cool-down", () => {
    time += 700;
    seen("p1", naming("eni-1", 1));
    seen("p1", naming("eni-1", 1));
    witness.podGone("p1");
    time += 3_000;
    seen("p2");
    seen("p2", naming("eni-1", 1));
    seen("p2", { ...naming("eni-1", 1), isTerminal: true });
    call("DisassociateTrunkInterface", { AssociationId: "assoc-eni-1" });
    call("DeleteNetworkInterface", { NetworkInterfaceId: "eni-1" });

    expect(witness.violations).toEqual([]);
    expect(witness.pods).toBe(2);
    expect(witness.delays).toEqual([700, 0]);
  });

  it.each<[string, () => void, string]>([
    ["an annotation that changes", () => seen("p1", naming("eni-2", 1)), "the annotation of pod alpha/p1 (p1) changed"],
    ["an annotation that goes", () => seen("p1"), "the annotation of pod alpha/p1 (p1) changed"],
    ["one ENI for two living pods", () => seen("p2", naming("eni-1", 1)), "got eni-1, which pod alpha/p1 (p1) has"],
    [
      "a disassociation under a living pod",
      () => call("DisassociateTrunkInterface", { AssociationId: "assoc-eni-1" }),
      "DisassociateTrunkInterface took eni-1 from pod alpha/p1 (p1), which lives",
    ],
    [
      "a deletion under a living pod",
      () => call("DeleteNetworkInterface", { NetworkInterfaceId: "eni-1" }),
      "DeleteNetworkInterface took eni-1 from pod alpha/p1 (p1), which lives",
    ],
    ["an ENI that EC2 does not have", () => seen("p2", naming("eni-9", 9)), "which EC2 does not have there"],
    [
      "another VLAN ID than EC2's",
      () => {
        branch("eni-2", 2);
        seen("p2", naming("eni-2", 3));
      },
      "was told eni-2 at VLAN ID 3",
    ],
    [
      "a pod that was annotated after its end",
      () => {
        branch("eni-2", 2);
        seen("p2", { isTerminal: true });
        seen("p2", naming("eni-2", 2));
      },
      "p2) was annotated after its end",
    ],
    [
      "an ENI of another instance",
      () => {
        branch("eni-2", 2);
        witness.node("node-2", "i-2");
        seen("p2", { nodeName: "node-2" });
        seen("p2", { ...naming("eni-2", 2), nodeName: "node-2" });
      },
      "which is on another instance than i-2",
    ],
    [
      "an ENI with the groups of another policy",
      () => {
        branch("eni-2", 2, "sg-b");
        seen("p2", naming("eni-2", 2));
      },
      "with sg-b, and its policies say sg-a",
    ],
    [
      "groups that a policy named too long ago",
      () => {
        witness.policy({ namespace: "alpha", name: "p" });
        time += 1_001;
        branch("eni-2", 2);
        seen("p2", naming("eni-2", 2));
      },
      "with sg-a, and its policies say sg-node",
    ],
    [
      "an ENI that did not cool down",
      () => {
        witness.podGone("p1");
        time += 2_999;
        seen("p2", naming("eni-1", 1));
      },
      "got eni-1 2999 ms after its last pod ended",
    ],
    [
      "a VLAN ID that did not cool down",
      () => {
        witness.podGone("p1");
        call("DisassociateTrunkInterface", { AssociationId: "assoc-eni-1" });
        time += 2_999;
        branch("eni-2", 1);
        seen("p2", naming("eni-2", 1));
      },
      "got VLAN ID 1 of eni-trunk 2999 ms after its last pod ended",
    ],
  ])("notes %s", (_, happens, sentence) => {
    seen("p1", naming("eni-1", 1));
    happens();

    expect(witness.violations).toContainEqual(expect.stringContaining(sentence));
  });

  it("takes what a policy said a moment ago for possible", () => {
    witness.policy({ namespace: "alpha", name: "p" }, { labels: { role: "a" }, groupIds: ["sg-b", "sg-c"] });
    time += 999;
    seen("p2");
    seen("p2", naming("eni-1", 1));

    expect(witness.violations).toEqual([]);
  });

  it("lets the branches of an instance go that has ended", () => {
    seen("p1", naming("eni-1", 1));
    witness.instanceEnds("i-1");
    call("DeleteNetworkInterface", { NetworkInterfaceId: "eni-1" });

    expect(witness.violations).toEqual([]);
  });

  it("does not take the repeat of a call for a second association", () => {
    call("DisassociateTrunkInterface", { AssociationId: "assoc-eni-1" });
    associate("eni-1", 1);
    seen("p1", naming("eni-1", 1));

    expect(witness.violations).toHaveLength(1);
  });
});
