import type { NodeUid } from "@trunkline/core";
import type { StringMap } from "@trunkline/kubernetes";
import { describe, expect, test } from "vitest";
import { viewNode } from "../follow/views.ts";
import { decideNode, type NodeFacts } from "./node-patches.ts";

const podEni = "vpc.amazonaws.com/pod-eni";
const label = "vpc.amazonaws.com/has-trunk-attached";
const labelMark = "trunkline/has-trunk-attached";
const versionMark = "trunkline/controller-version";
const featuresMark = "trunkline/cninode-features";
const uid = "uid-node-a" as NodeUid;

interface Given {
  readonly capacity?: string;
  readonly labels?: StringMap;
  readonly annotations?: StringMap;
}

const node = ({ capacity, labels = {}, annotations = {} }: Given) =>
  viewNode({
    metadata: { name: "node-a", uid, resourceVersion: "1", labels, annotations },
    spec: { providerID: "aws:///us-west-2a/i-0123456789abcdef0" },
    status: { capacity: { cpu: "2", ...(capacity === undefined ? {} : { [podEni]: capacity }) } },
  });
const ready = { branchesMax: 9, backendVersion: "0.1.0" };
const inLine: Given = {
  capacity: "9",
  labels: { [label]: "true" },
  annotations: { [labelMark]: "status", [versionMark]: "0.1.0" },
};
const status = (capacity: string) => ({ metadata: { uid }, status: { capacity: { [podEni]: capacity } } });
const metadata = (change: object) => ({ metadata: { uid, ...change } });
const decide = (given: Given, facts: Partial<Omit<NodeFacts, "requested">> & { requested?: number }) => {
  const { status, metadata, news } = decideNode(node(given), {
    trunk: "unknown",
    isWanted: true,
    features: [],
    ...facts,
    requested: () => facts.requested ?? 0,
  });
  return { status, metadata, news: news.map((text) => text.reason) };
};
const nothing = { status: undefined, metadata: undefined, news: [] };

describe("K10, K11, K68, K69: a node whose trunk is ready", () => {
  test.each<[string, Given, object]>([
    [
      "gets capacity, label, marks and both events the first time",
      {},
      {
        status: status("9"),
        metadata: metadata({
          labels: { [label]: "true" },
          annotations: { [labelMark]: "status", [versionMark]: "0.1.0" },
        }),
        news: ["ControllerVersionNotice", "NodeTrunkInitiated"],
      },
    ],
    [
      "keeps a label of somebody else, with the value true and without our mark",
      { labels: { [label]: "false" } },
      {
        status: status("9"),
        metadata: metadata({ labels: { [label]: "true" }, annotations: { [versionMark]: "0.1.0" } }),
        news: ["ControllerVersionNotice", "NodeTrunkInitiated"],
      },
    ],
    ["is left alone when it is in line", inLine, nothing],
    [
      "gets its capacity again when a kubelet took it away, without an event",
      { ...inLine, capacity: "0" },
      { ...nothing, status: status("9") },
    ],
    [
      "gets its capacity again when a kubelet forgot it, without an event",
      { labels: inLine.labels ?? {}, annotations: inLine.annotations ?? {} },
      { ...nothing, status: status("9") },
    ],
    [
      "gets another type's capacity when it has one of before",
      { ...inLine, capacity: "54" },
      { ...nothing, status: status("9") },
    ],
    [
      "is told a new version once",
      { ...inLine, annotations: { [labelMark]: "status", [versionMark]: "0.0.9" } },
      {
        status: undefined,
        metadata: metadata({ annotations: { [versionMark]: "0.1.0" } }),
        news: ["ControllerVersionNotice"],
      },
    ],
    [
      "keeps a label that somebody changed after us as theirs",
      { ...inLine, labels: { [label]: "yes" } },
      {
        ...nothing,
        metadata: metadata({ labels: { [label]: "true" }, annotations: { [labelMark]: null } }),
      },
    ],
    [
      "gets its label again when somebody took it away",
      { ...inLine, labels: {} },
      {
        ...nothing,
        metadata: metadata({ labels: { [label]: "true" }, annotations: { [labelMark]: "status" } }),
      },
    ],
  ])("%s", (_, given, expected) => {
    expect(decide(given, { trunk: ready })).toEqual(expected);
  });
});

describe("K18: a node that asks for no trunk any more", () => {
  test.each<[string, Given, number, object]>([
    [
      "keeps the capacity that its pods hold, so that none comes and none fails",
      inLine,
      3,
      { ...nothing, status: status("3") },
    ],
    ["loses a capacity as the pods leave", { ...inLine, capacity: "3" }, 2, { ...nothing, status: status("2") }],
    ["is never given more than it has", { ...inLine, capacity: "0" }, 3, nothing],
    [
      "is as before when the last pod has left",
      { ...inLine, capacity: "1" },
      0,
      {
        status: status("0"),
        metadata: metadata({
          labels: { [label]: null },
          annotations: { [labelMark]: null, [versionMark]: null, [featuresMark]: null },
        }),
        news: [],
      },
    ],
    ["is left alone when it never had a trunk of ours", { capacity: "9" }, 0, nothing],
    ["is left alone when all is put back", { capacity: "0" }, 0, nothing],
  ])("%s", (_, given, requested, expected) => {
    for (const trunk of [ready, "unknown"] as const) {
      expect(decide(given, { trunk, isWanted: false, requested })).toEqual(expected);
    }
  });
});

describe("K11: a node whose trunk is gone", () => {
  test("loses capacity, our label and the marks", () => {
    expect(decide(inLine, { trunk: "gone", requested: 3 })).toEqual({
      status: status("0"),
      metadata: metadata({
        labels: { [label]: null },
        annotations: { [labelMark]: null, [versionMark]: null, [featuresMark]: null },
      }),
      news: [],
    });
  });

  test("keeps a label of somebody else: it is a request", () => {
    const given = { ...inLine, annotations: { [versionMark]: "0.1.0" } };

    expect(decide(given, { trunk: "gone" }).metadata).toEqual(
      metadata({ annotations: { [labelMark]: null, [versionMark]: null, [featuresMark]: null } }),
    );
  });
});

test.each<[string, Given]>([
  ["in line", inLine],
  ["bare", {}],
])("a node that is %s and asks for a trunk of which nothing is known yet is left alone", (_, given) => {
  expect(decide(given, {})).toEqual(nothing);
});

describe("K08: the features that a node remembers", () => {
  const features = [{ name: "SecurityGroupsForPods" }];
  const marked = { ...inLine, annotations: { ...inLine.annotations, [featuresMark]: JSON.stringify(features) } };

  test("are those of its CNINode, once its trunk is ready", () => {
    const written = metadata({ annotations: { [featuresMark]: JSON.stringify(features) } });
    expect(decide(inLine, { trunk: ready, features })).toEqual({ ...nothing, metadata: written });
    expect(decide(marked, { trunk: ready, features })).toEqual(nothing);
  });

  test("are forgotten when its CNINode has none, and when the node is put back", () => {
    const forgotten = { annotations: { [featuresMark]: null } };
    expect(decide(marked, { trunk: ready })).toEqual({ ...nothing, metadata: metadata(forgotten) });
    expect(decide(marked, { trunk: "gone", features }).metadata).toMatchObject({ metadata: forgotten });
  });
});
