import { branded, type TrunkRecord } from "@trunkline/core";
import {
  associatedBranch,
  claimedBranch,
  coolingBranch,
  goneBranch,
  partitionOf,
  vlan,
  waitingBranch,
} from "@trunkline/core/testing";
import { describe, expect, it } from "vitest";
import { disagreements, leftovers } from "./agreement.ts";
import type { AssociationTruth, EniTruth, NodeTruth, PodTruth, Truth } from "./truth.ts";

const instanceId = "i-0123456789abcdef0";
const cooling = coolingBranch("p2", { ...vlan(2), associationId: branded("trunk-assoc-2") });
const node: NodeTruth = { name: "node-1", instanceId, capacity: "3", allocatable: "3", label: "true" };
const pod: PodTruth = {
  uid: "p1",
  namespace: "default",
  name: "web",
  nodeName: "node-1",
  enis: 1,
  isTerminal: false,
  annotation: [
    {
      eniId: "eni-of-p1",
      ifAddress: "0a:00:00:00:00:01",
      privateIp: "10.0.0.9",
      ipv6Addr: "",
      vlanId: 1,
      subnetCidr: "10.0.0.0/16",
      subnetV6Cidr: "",
      associationID: "trunk-assoc-1",
    },
  ],
};
const tagsOf = (vlanId: number) =>
  new Map([
    ["trunkline:cluster", "blue"],
    ["node.k8s.amazonaws.com/instance_id", instanceId],
    ["vpcresources.k8s.aws/vlan-id", String(vlanId)],
    ["vpcresources.k8s.aws/trunk-eni-id", "eni-trunk"],
  ]);
const branchEni = (owner: string, vlanId: number): EniTruth => ({
  eniId: `eni-of-${owner}`,
  isTrunk: false,
  mac: "0a:00:00:00:00:01",
  privateIp: "10.0.0.9",
  securityGroups: ["sg-a"],
  tags: tagsOf(vlanId),
});
const trunkEni: EniTruth = {
  ...branchEni("trunk", 0),
  eniId: "eni-trunk",
  isTrunk: true,
  attachedTo: { instanceId, deviceIndex: 2 },
};
const association = (owner: string, vlanId: number): AssociationTruth => ({
  associationId: `trunk-assoc-${vlanId}`,
  branchEniId: `eni-of-${owner}`,
  trunkEniId: "eni-trunk",
  vlanId,
});

/** One node with a pod, a branch that cools down, and a tombstone: all agree. */
const agreeing = (trunkChanges: Partial<TrunkRecord> = {}): Truth => {
  const { trunk, branches } = partitionOf([associatedBranch("p1"), cooling, goneBranch("p3")], {
    deviceIndex: 2,
    ...trunkChanges,
  });
  return {
    cluster: "blue",
    pods: [pod],
    nodes: [node],
    cniNodes: [{ name: "node-1", isTerminating: false, features: ["SecurityGroupsForPods"] }],
    instanceIds: [instanceId],
    enis: [trunkEni, branchEni("p1", 1), branchEni("p2", 2)],
    associations: [association("p1", 1), association("p2", 2)],
    trunks: trunk === undefined ? [] : [trunk],
    branches,
    deadLetters: new Map([["pod-events", 0]]),
  };
};

/** Replaces the one element of a list that a test is about. */
const changed = <Element>(list: readonly Element[], index: number, changes: Partial<Element>): readonly Element[] =>
  list.map((element, at) => (at === index ? { ...element, ...changes } : element));

const annotated = (changes: object): Truth => {
  const [eni] = Array.isArray(pod.annotation) ? pod.annotation : [];
  return { ...agreeing(), pods: [{ ...pod, annotation: [{ ...eni, ...changes }] as PodTruth["annotation"] }] };
};

describe("disagreements", () => {
  it("finds none where ledger, EC2 and Kubernetes agree", () => {
    expect(disagreements(agreeing())).toEqual([]);
  });

  it("does not ask for ENIs of a pod that asks for none, is not bound, or has ended", () => {
    const idle = { ...pod, annotation: undefined };
    const pods = [
      pod,
      { ...idle, uid: "p4", enis: 0 },
      { ...idle, uid: "p5", nodeName: "" },
      { ...idle, uid: "p6", isTerminal: true },
    ];
    expect(disagreements({ ...agreeing(), pods })).toEqual([]);
  });

  it.each<[string, Truth, string]>([
    ["a pod without its annotation", { ...agreeing(), pods: [{ ...pod, annotation: undefined }] }, "no annotation"],
    ["an annotation that is none", { ...agreeing(), pods: [{ ...pod, annotation: "unreadable" }] }, "cannot be read"],
    ["a pod with too few ENIs", { ...agreeing(), pods: [{ ...pod, enis: 2 }] }, "asks for 2 ENIs and has 1"],
    ["a pod of which the ledger knows nothing", { ...agreeing(), pods: [{ ...pod, uid: "p9" }] }, "and no record"],
    ["two pods with one ENI", { ...agreeing(), pods: [pod, { ...pod, uid: "p9" }] }, "2 annotations name eni-of-p1"],
    ["an annotation with another ENI", annotated({ eniId: "eni-of-p2" }), "ENI eni-of-p2 and eni-of-p1"],
    ["an annotation with an ENI that is gone", annotated({ eniId: "eni-0" }), "which EC2 does not have"],
    ["an annotation with another MAC", annotated({ ifAddress: "0a:0b" }), "MAC 0a:0b"],
    ["an annotation with another address", annotated({ privateIp: "10.0.0.8" }), "address 10.0.0.8"],
    ["an annotation with another VLAN ID", annotated({ vlanId: 7 }), "VLAN ID 7 and 1"],
    ["an annotation with another association", annotated({ associationID: "a" }), "association a and trunk-assoc-1"],
    [
      "a pod on another instance than its record",
      { ...agreeing(), nodes: changed([node], 0, { instanceId: "i-9" }) },
      `instance i-9 and ${instanceId}`,
    ],
    [
      "an ENI with other groups",
      { ...agreeing(), enis: changed(agreeing().enis, 1, { securityGroups: ["sg-b"] }) },
      "groups sg-a and sg-b",
    ],
    [
      "an ENI with another tag",
      { ...agreeing(), enis: changed(agreeing().enis, 1, { tags: tagsOf(7) }) },
      "tag of the VLAN ID 1 and 7",
    ],
    [
      "an ENI that EC2 has under another VLAN ID",
      { ...agreeing(), associations: changed(agreeing().associations, 0, { vlanId: 7 }) },
      "the association trunk-assoc-1 differs",
    ],
    [
      "an ENI that is not associated",
      { ...agreeing(), associations: agreeing().associations.slice(1) },
      "association trunk-assoc-1 and undefined",
    ],
    [
      "a branch of a pod that does not live",
      { ...agreeing(), pods: [] },
      "p1#0 is associated and its pod does not live",
    ],
    [
      "a branch that cools down without an ENI",
      { ...agreeing(), enis: agreeing().enis.slice(0, 2) },
      "cools down, and EC2 does not have its ENI",
    ],
    ["a claim that does not proceed", { ...agreeing(), branches: [claimedBranch("p9")] }, "is still claimed"],
    ["a pod that waits", { ...agreeing(), branches: [waitingBranch("p9")] }, "is still waiting"],
    [
      "a branch ENI that nobody remembers",
      { ...agreeing(), enis: [...agreeing().enis, branchEni("p9", 9)] },
      "eni-of-p9 is in 0 records",
    ],
    [
      "a trunk ENI that nobody remembers",
      { ...agreeing(), enis: [...agreeing().enis, { ...trunkEni, eniId: "eni-9" }] },
      "the trunk ENI eni-9 is in no record",
    ],
    [
      "a trunk ENI in another place",
      { ...agreeing(), enis: changed(agreeing().enis, 0, { attachedTo: { instanceId, deviceIndex: 1 } }) },
      "is not attached where its record says",
    ],
    [
      "an association that nobody remembers",
      { ...agreeing(), associations: [...agreeing().associations, association("p9", 9)] },
      "trunk-assoc-9 is in no record",
    ],
    ["a VLAN bit without a branch", agreeing({ vlans: "00000000000000000000000000000f" }), "the VLAN bits 1,2,3,4"],
    ["a slot that nobody holds", agreeing({ held: 3 }), "counts 3 slots and 2 branches hold one"],
    ["a trunk that is not ready", agreeing({ status: "created" }), `the trunk of ${instanceId} is created`],
    ["a trunk that ended too early", agreeing({ status: "gone" }), "is gone and the instance is not"],
    ["a trunk of an instance that ended", { ...agreeing(), instanceIds: [] }, "is ready and the instance is gone"],
    ["a trunk without its ENI", { ...agreeing(), enis: agreeing().enis.slice(1) }, "has an ENI that EC2 does not have"],
    ["a node without a trunk", { ...agreeing(), trunks: [] }, "node node-1 has no trunk record"],
    [
      "a node without capacity",
      { ...agreeing(), nodes: [{ ...node, capacity: "0" }] },
      "has capacity 0 and a trunk of 3",
    ],
    [
      "a node without allocatable",
      { ...agreeing(), nodes: [{ ...node, allocatable: undefined }] },
      "allocatable undefined",
    ],
    ["a node without the label", { ...agreeing(), nodes: [{ ...node, label: undefined }] }, "has the label undefined"],
    ["a node without its CNINode", { ...agreeing(), cniNodes: [] }, "node node-1 has no CNINode"],
    [
      "a CNINode that is held by its finalizer",
      { ...agreeing(), cniNodes: changed(agreeing().cniNodes, 0, { isTerminating: true }) },
      "a CNINode that is being deleted",
    ],
    [
      "a CNINode that lost its feature",
      { ...agreeing(), cniNodes: changed(agreeing().cniNodes, 0, { features: [] }) },
      "a CNINode without SecurityGroupsForPods",
    ],
    [
      "a CNINode without its node",
      { ...agreeing(), cniNodes: [...agreeing().cniNodes, { name: "node-2", isTerminating: false, features: [] }] },
      "CNINode node-2 has no node",
    ],
    ["a dead letter", { ...agreeing(), deadLetters: new Map([["outcomes", 2]]) }, "outcomes has 2 dead letters"],
  ])("names %s", (_, truth, sentence) => {
    expect(disagreements(truth)).toContainEqual(expect.stringContaining(sentence));
  });
});

describe("leftovers", () => {
  it("finds none where only trunks and tombstones are left", () => {
    const { trunk } = partitionOf([]);
    const left = { ...agreeing(), enis: [trunkEni], associations: [], branches: [goneBranch("p1")] };
    expect(leftovers({ ...left, trunks: trunk === undefined ? [] : [trunk] })).toEqual([]);
  });

  it("names each ENI, association, record and slot", () => {
    expect(leftovers(agreeing())).toEqual([
      "the branch ENI eni-of-p1 is left",
      "the branch ENI eni-of-p2 is left",
      "the association trunk-assoc-1 is left",
      "the association trunk-assoc-2 is left",
      "the branch p1#0 is left, associated",
      "the branch p2#0 is left, cooling",
      `the trunk of ${instanceId} holds 2 slots and no branch`,
    ]);
  });
});
