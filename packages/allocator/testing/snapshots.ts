import {
  branded,
  type NodeSnapshot,
  type PodEni,
  type PodEniProblem,
  type PodFacts,
  type ResourceVersion,
  type TrunkRecord,
} from "@trunkline/core";
import { nodeObserved, podObserved, podUid, type TestWorld, testInstance } from "./world.ts";

/** A snapshot of the test's node. */
export const snapshot = (pods: readonly PodFacts[], listVersion = 1_000): NodeSnapshot => {
  const { incarnation, instanceId, nodeName, nodeUid } = nodeObserved();
  const version = branded<ResourceVersion>(String(listVersion));
  return { type: "NodeSnapshot", incarnation, instanceId, nodeName, nodeUid, listVersion: version, pods };
};

/** A pod that lives with an annotation. */
export const annotated = (number: number, annotation: readonly PodEni[]): PodFacts => ({
  ...podObserved(number).pod,
  resourceVersion: branded<ResourceVersion>("250"),
  annotation,
});

/** What the pods were told, by their numbers. */
export const annotationsOf = (world: TestWorld): ReadonlyMap<string, readonly PodEni[]> =>
  new Map(
    world.outbox
      .outcomes()
      .flatMap((outcome) => (outcome.type === "PodEniAssigned" ? [[outcome.podUid as string, outcome.enis]] : [])),
  );

/** What a pod was told. */
export const annotationOf = (world: TestWorld, number: number): readonly PodEni[] =>
  annotationsOf(world).get(podUid(number)) ?? [];

/** What pods were told of their ENIs. */
export const problems = (world: TestWorld): readonly PodEniProblem[] =>
  world.outbox.outcomes().flatMap((outcome) => (outcome.type === "PodEniProblem" ? [outcome] : []));

/** The record of the test's node. */
export const trunkOf = async (world: TestWorld): Promise<TrunkRecord | undefined> =>
  (await world.ledger.load(testInstance)).trunk;

/** An annotation of an ENI that nobody knows. */
export const forged = (changes: Partial<PodEni> = {}): PodEni => ({
  eniId: "eni-0000000000000beef",
  ifAddress: "0a:00:00:00:00:99",
  privateIp: "192.168.9.9",
  ipv6Addr: "",
  vlanId: 7,
  subnetCidr: "192.168.0.0/16",
  subnetV6Cidr: "",
  associationID: "trunk-assoc-0000000000000beef",
  ...changes,
});
