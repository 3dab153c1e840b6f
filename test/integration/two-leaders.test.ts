import type { InstanceId, NodeUid, PodEniAssigned, PodUid } from "@trunkline/core";
import type { KubernetesObject } from "@trunkline/emulator-kubernetes";
import type { RunningForwarder } from "@trunkline/forwarder";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type ForwarderWorld, startForwarderWorld } from "../support/forwarder.ts";
import { bindingOf, nodeOf, podOf, policyOf } from "../support/forwarder-objects.ts";

const podEni = "vpc.amazonaws.com/pod-eni";
const instanceId = "i-0123456789abcdef0" as InstanceId;
const pods = { group: "", resource: "pods", namespace: "default" };
const podsMade = 20;

let world: ForwarderWorld;
let other: RunningForwarder;

/** Two forwarders that both lead for good: one that is alone in its own view, and one that holds the Lease. */
beforeAll(async () => {
  world = await startForwarderWorld();
  const lease = { namespace: "kube-system", name: "trunkline-forwarder" };
  const election = { identity: "other", lease, leaseSeconds: 15, renewSeconds: 10, retrySeconds: 2 };
  other = await world.startAnother({ election });
  await eventually(async () => expect([world.forwarder.isLeader(), other.isLeader()]).toEqual([true, true]));
  await administrator().create(nodeOf(instanceId));
  await administrator().create(policyOf("sg-1"));
}, 30_000);

afterAll(async () => {
  await other.stop();
  await world.stop();
});

const administrator = () => world.kubernetes.api.as("kubernetes-admin");
const eventually = <Value>(check: () => Promise<Value>) => vi.waitFor(check, { timeout: 15_000, interval: 20 });

const addPod = async (name: string): Promise<KubernetesObject> => {
  const made = await administrator().create(podOf(name));
  await administrator().create(bindingOf(name), { subresource: "binding" });
  return made;
};

const assigned = (pod: KubernetesObject, vlanId: number): PodEniAssigned => ({
  type: "PodEniAssigned",
  podUid: pod.metadata.uid as PodUid,
  namespace: "default",
  name: pod.metadata.name ?? "",
  instanceId,
  enis: [
    {
      eniId: `eni-0123456789abcde${vlanId.toString(16).padStart(2, "0")}`,
      ifAddress: "0a:1b:2c:3d:4e:5f",
      privateIp: "192.168.0.15",
      ipv6Addr: "",
      vlanId,
      subnetCidr: "192.168.0.0/16",
      subnetV6Cidr: "",
      associationID: "trunk-assoc-0123",
    },
  ],
});

interface EventObject {
  readonly reason: string;
  readonly count: number;
  readonly involvedObject: { readonly name: string };
}
const eventsOn = async (name: string): Promise<readonly EventObject[]> =>
  (await administrator().list({ group: "", resource: "events" })).objects
    .map((event) => event as unknown as EventObject)
    .filter((event) => event.involvedObject.name === name);

test("two leaders at once do no harm: each pod has one annotation and one event of a kind, and repeats are messages", async () => {
  const annotations = new Map<string, Set<string>>();
  const endWatch = administrator().watch(pods, ({ object }) => {
    const value = object.metadata.annotations?.[podEni];
    if (value === undefined) return;
    const name = object.metadata.name ?? "";
    annotations.set(name, (annotations.get(name) ?? new Set()).add(value));
  });
  const made: KubernetesObject[] = [];
  for (let index = 0; index < podsMade; index += 1) made.push(await addPod(`db-${index}`));
  const node = await administrator().get({ group: "", resource: "nodes", name: "node-a" });
  await world.deliver({
    type: "NodeTrunkReady",
    instanceId,
    nodeName: "node-a",
    nodeUid: node.metadata.uid as NodeUid,
    branchesMax: 9,
    backendVersion: "0.1.0",
  });
  // Each outcome comes twice, as after a redelivery, so that it is likely that each of the two forwarders gets one.
  const outcomes = made.map((pod, index) => assigned(pod, index + 1));
  await world.deliver(...outcomes, ...outcomes);

  await eventually(async () => expect(await world.outcomesLeft()).toBe(0));
  await eventually(async () => expect(annotations.size).toBe(podsMade));
  for (const [index, pod] of made.entries()) {
    const name = pod.metadata.name ?? "";
    expect([...(annotations.get(name) ?? [])]).toEqual([JSON.stringify(outcomes[index]?.enis)]);
    await eventually(async () => {
      const events = await eventsOn(name);
      expect(events.map(({ reason }) => reason).sort()).toEqual(["ResourceAllocated", "SecurityGroupRequested"]);
      // Each of the two may say each thing, and ResourceAllocated at each delivery.
      for (const { count } of events) expect(count).toBeLessThanOrEqual(4);
    });
  }
  const cniNodes = await administrator().list({ group: "vpcresources.k8s.aws", resource: "cninodes" });
  expect(cniNodes.objects.map(({ metadata }) => metadata.name)).toEqual(["node-a"]);

  // What both tell is the same: the functions see repeats, which change nothing.
  await eventually(async () => {
    const wishes = (await world.received()).filter((event) => event.type === "PodObserved");
    expect(wishes).toHaveLength(2 * podsMade);
    const distinct = new Set(wishes.map(({ pod }) => JSON.stringify([pod.podUid, pod.securityGroups, pod.enis])));
    expect(distinct.size).toBe(podsMade);
  });
  endWatch();
}, 60_000);
