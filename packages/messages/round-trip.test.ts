import type { BranchLook, NodeEvent, Outcome, PodEvent } from "@trunkline/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bodyBytesMax } from "./limits.ts";
import { parseBranchLook, parseNodeEvent, parseOutcome, parsePodEvent } from "./parse.ts";
import { serialise } from "./serialise.ts";

const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const id = (prefix: string) => hex(17).map((digits) => `${prefix}-${digits}`);
const instanceId = fc.oneof(
  id("i"),
  hex(8).map((digits) => `i-${digits}`),
);
const uid = fc.uuid();
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,40}[a-z]$/);
const version = fc.bigInt({ min: 0n, max: 10n ** 20n - 1n }).map(String);
const groups = fc.array(id("sg"), { maxLength: 5 });
const sentence = fc.string({ maxLength: 200 });
const eni = fc.record({
  eniId: id("eni"),
  ifAddress: fc.constant("0a:1b:2c:3d:4e:5f"),
  privateIp: fc.ipV4(),
  ipv6Addr: fc.oneof(fc.constant(""), fc.ipV6()),
  vlanId: fc.integer({ min: 1, max: 120 }),
  subnetCidr: fc.constant("192.168.0.0/16"),
  subnetV6Cidr: fc.constant(""),
  associationID: id("trunk-assoc"),
});
const enis = fc.array(eni, { minLength: 1, maxLength: 16 });
const pod = fc.record(
  {
    podUid: uid,
    namespace: name,
    name,
    resourceVersion: version,
    enis: fc.integer({ min: 1, max: 16 }),
    securityGroups: groups,
    annotation: enis,
    isAnnotationUnreadable: fc.constant(true),
    areGroupsUnknown: fc.constant(true),
  },
  { requiredKeys: ["podUid", "namespace", "name", "resourceVersion", "enis", "securityGroups"] },
);
const node = { incarnation: uid, instanceId, nodeName: name, nodeUid: uid };
const is = <Type extends string>(type: Type) => fc.constant(type);

const podEvents = fc.oneof(
  fc.record(
    { type: is("PodObserved"), ...node, pod, chain: fc.nat() },
    { requiredKeys: ["type", "incarnation", "instanceId", "nodeName", "nodeUid", "pod"] },
  ),
  fc.record({
    type: is("PodGone"),
    incarnation: uid,
    instanceId,
    podUid: uid,
    resourceVersion: version,
    how: fc.constantFrom("deleted", "terminal", "absent-from-list"),
    forcedGraceSeconds: fc.nat(),
  }),
) as unknown as fc.Arbitrary<PodEvent>;

const eniConfig = fc.record({ name, subnetId: id("subnet"), securityGroups: groups });
const nodeEvents = fc.oneof(
  fc.record({ type: is("NodeObserved"), ...node, resourceVersion: version, wantsTrunk: fc.boolean(), eniConfig }),
  fc.record({ type: is("NodeGone"), ...node }),
  fc.record({ type: is("NodeSnapshot"), ...node, listVersion: version, pods: fc.array(pod, { maxLength: 20 }) }),
  fc.record({
    type: is("ClusterRegistered"),
    incarnation: uid,
    cooldownSeconds: fc.integer({ min: 0, max: 3_600 }),
    forwarderVersion: fc.constant("0.1.0"),
    groupSets: fc.array(groups, { maxLength: 10 }),
  }),
  fc.record({ type: is("NodeLook"), instanceId }),
) as unknown as fc.Arbitrary<NodeEvent>;

const looks = fc.record({
  type: is("BranchLook"),
  instanceId,
  owner: fc.oneof(uid, id("eni")),
  index: fc.integer({ min: 0, max: 15 }),
}) as unknown as fc.Arbitrary<BranchLook>;

const ofPod = { podUid: uid, namespace: name, name, instanceId };
const ofNode = { instanceId, nodeName: name, nodeUid: uid };
const outcomes = fc.oneof(
  fc.record({ type: is("PodEniAssigned"), ...ofPod, enis }),
  fc.record({
    type: is("PodEniDelayed"),
    ...ofPod,
    reason: fc.constantFrom("node-full", "rate-limit", "refused"),
    waitSeconds: fc.nat(),
    detail: sentence,
  }),
  fc.record({ type: is("PodEniFailed"), ...ofPod, code: fc.constant("InvalidGroup.NotFound"), detail: sentence }),
  fc.record({
    type: is("PodEniProblem"),
    ...ofPod,
    eniId: id("eni"),
    problem: fc.constantFrom("unknown-eni", "eni-taken", "eni-deleted", "eni-not-associated"),
    detail: sentence,
  }),
  fc.record({ type: is("NodeTrunkReady"), ...ofNode, branchesMax: fc.constant(9), backendVersion: fc.constant("1") }),
  fc.record({ type: is("NodeTrunkProblem"), ...ofNode, reason: fc.constant("Unsupported"), detail: sentence }),
  fc.record({
    type: is("NodeTrunkProblem"),
    ...ofNode,
    reason: fc.constant("TrunkENICreationFailed"),
    detail: fc.constant("UnauthorizedOperation"),
    action: fc.constant("CreateNetworkInterface"),
  }),
  fc.record({ type: is("NodeTrunkGone"), ...ofNode }),
  fc.record({ type: is("SnapshotRequested"), instanceId }),
  fc.record({ type: is("PodsQuestioned"), instanceId, podUids: fc.array(uid, { minLength: 1, maxLength: 20 }) }),
) as unknown as fc.Arbitrary<Outcome>;

describe("messages", () => {
  test("a pod event that was written is read as it was", () => {
    fc.assert(
      fc.property(podEvents, (event) => {
        expect(parsePodEvent(serialise(event))).toEqual({ ok: true, event });
      }),
    );
  });

  test("a node event that was written is read as it was", () => {
    fc.assert(
      fc.property(nodeEvents, (event) => {
        expect(parseNodeEvent(serialise(event))).toEqual({ ok: true, event });
      }),
    );
  });

  test("a look at a branch that was written is read as it was", () => {
    fc.assert(
      fc.property(looks, (event) => {
        expect(parseBranchLook(serialise(event))).toEqual({ ok: true, event });
      }),
    );
  });

  test("an outcome that was written is read as it was", () => {
    fc.assert(
      fc.property(outcomes, (event) => {
        expect(parseOutcome(serialise(event))).toEqual({ ok: true, event });
      }),
    );
  });

  test("no text whatsoever makes a parser throw", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        for (const parse of [parsePodEvent, parseNodeEvent, parseBranchLook, parseOutcome]) {
          expect(parse(body).ok).toBe(false);
        }
      }),
    );
  });

  test("the largest snapshot that the schema takes fits into a body when each pod has one ENI", () => {
    const [largest] = fc.sample(
      fc.record({
        type: is("NodeSnapshot"),
        ...node,
        listVersion: version,
        pods: fc.array(
          pod.map((facts) => ({ ...facts, annotation: [fc.sample(eni, 1)[0]] })),
          {
            minLength: 250,
            maxLength: 250,
          },
        ),
      }),
      1,
    ) as unknown as NodeEvent[];

    expect(Buffer.byteLength(serialise(largest as NodeEvent))).toBeLessThan(bodyBytesMax);
  });
});
