import type { InstanceId, NodeUid, PodEniAssigned, PodUid } from "@trunkline/core";
import type { KubernetesObject } from "@trunkline/emulator-kubernetes";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type ForwarderWorld, startForwarderWorld } from "../support/forwarder.ts";
import { bindingOf, nodeOf, podOf, policyOf } from "../support/forwarder-objects.ts";

const podEni = "vpc.amazonaws.com/pod-eni";
const trunkLabel = "vpc.amazonaws.com/has-trunk-attached";
const instanceId = "i-0123456789abcdef0" as InstanceId;
const nodeRef = { group: "", resource: "nodes", name: "node-a" };
const cniNodeRef = { group: "vpcresources.k8s.aws", resource: "cninodes", name: "node-a" };
const podRef = (name: string) => ({ group: "", resource: "pods", namespace: "default", name });

let world: ForwarderWorld;

beforeAll(async () => {
  world = await startForwarderWorld();
  await administrator().create(nodeOf(instanceId));
  await administrator().create(policyOf("sg-1", "sg-2"));
});

afterAll(() => world.stop());

const administrator = () => world.kubernetes.api.as("kubernetes-admin");
const eventually = (check: () => Promise<unknown>) => vi.waitFor(check, { timeout: 10_000, interval: 20 });
const bind = (name: string) => administrator().create(bindingOf(name), { subresource: "binding" });
const eventsOn = async (name: string): Promise<readonly string[]> => {
  const { objects } = await administrator().list({ group: "", resource: "events" });
  return objects
    .map((event) => event as unknown as { reason: string; involvedObject: { name: string } })
    .filter((event) => event.involvedObject.name === name)
    .map((event) => event.reason)
    .sort();
};
const assigned = (found: KubernetesObject): PodEniAssigned => ({
  type: "PodEniAssigned",
  podUid: found.metadata.uid as PodUid,
  namespace: "default",
  name: found.metadata.name ?? "",
  instanceId,
  enis: [
    {
      eniId: "eni-0123456789abcdef0",
      ifAddress: "0a:1b:2c:3d:4e:5f",
      privateIp: "192.168.0.15",
      ipv6Addr: "",
      vlanId: 1,
      subnetCidr: "192.168.0.0/16",
      subnetV6Cidr: "",
      associationID: "trunk-assoc-0123",
    },
  ],
});

describe("the forwarder on an emulated cluster", () => {
  test("gives a node its CNINode, and tells when the CNI plugin asks for a trunk there", async () => {
    await eventually(() => administrator().get(cniNodeRef));
    await world.kubernetes.api.as("system:serviceaccount:kube-system:aws-node").patch(cniNodeRef, {
      type: "merge",
      body: { spec: { features: [{ name: "SecurityGroupsForPods" }] } },
    });

    await eventually(async () =>
      expect(await world.received()).toContainEqual(
        expect.objectContaining({ type: "NodeObserved", instanceId, wantsTrunk: true }),
      ),
    );
  });

  test("gives a node with a trunk its capacity, its label and its events, and again after a reset", async () => {
    const { metadata } = await administrator().get(nodeRef);
    const capacity = async () =>
      ((await administrator().get(nodeRef)) as unknown as { status: { capacity: Record<string, string> } }).status
        .capacity;
    const nodeUid = metadata.uid as NodeUid;
    const backendVersion = "0.1.0";
    await world.deliver({
      type: "NodeTrunkReady",
      instanceId,
      nodeName: "node-a",
      nodeUid,
      branchesMax: 9,
      backendVersion,
    });

    await eventually(async () => expect(await capacity()).toEqual({ cpu: "2", [podEni]: "9" }));
    await eventually(async () =>
      expect((await administrator().get(nodeRef)).metadata.labels).toMatchObject({ [trunkLabel]: "true" }),
    );
    await eventually(async () =>
      expect(await eventsOn("node-a")).toEqual(["ControllerVersionNotice", "NodeTrunkInitiated"]),
    );

    const reset = { type: "merge", subresource: "status", body: { status: { capacity: { [podEni]: null } } } } as const;
    await administrator().patch(nodeRef, reset);
    await eventually(async () => expect(await capacity()).toHaveProperty([podEni], "9"));
  });

  test("takes one pod from its creation to its annotation and its end", async () => {
    const created = await administrator().create(podOf("db"));
    expect(created).toMatchObject({
      spec: { containers: [{ resources: { limits: { [podEni]: "1" }, requests: { [podEni]: "1" } } }] },
    });
    await bind("db");
    const podUid = created.metadata.uid as PodUid;
    await eventually(async () =>
      expect(await world.received()).toContainEqual(
        expect.objectContaining({
          type: "PodObserved",
          instanceId,
          pod: expect.objectContaining({ podUid, enis: 1, securityGroups: ["sg-1", "sg-2"] }),
        }),
      ),
    );

    await world.deliver(assigned(created));
    await eventually(async () =>
      expect((await administrator().get(podRef("db"))).metadata.annotations?.[podEni]).toBe(
        JSON.stringify(assigned(created).enis),
      ),
    );
    await eventually(async () => expect(await eventsOn("db")).toEqual(["ResourceAllocated", "SecurityGroupRequested"]));
    await eventually(async () => expect(await world.outcomesLeft()).toBe(0));

    await administrator().delete(podRef("db"), { gracePeriodSeconds: 0 });
    await eventually(async () =>
      expect(await world.received()).toContainEqual(
        expect.objectContaining({ type: "PodGone", instanceId, podUid, how: "deleted" }),
      ),
    );
  });

  test("leaves a pod that no policy matches alone", async () => {
    const created = await administrator().create(podOf("red", { role: "web" }));

    expect(JSON.stringify(created.spec)).not.toContain(podEni);
  });

  test("K53: does not annotate a pod that was created anew under the same name", async () => {
    const first = await administrator().create(podOf("twin"));
    await administrator().delete(podRef("twin"), { gracePeriodSeconds: 0 });
    const second = await administrator().create(podOf("twin"));
    await bind("twin");

    await world.deliver(assigned(first));
    await eventually(async () => expect(await world.outcomesLeft()).toBe(0));

    const found = await administrator().get(podRef("twin"));
    expect(found.metadata.uid).toBe(second.metadata.uid);
    expect(found.metadata.annotations ?? {}).not.toHaveProperty([podEni]);
  });

  test("K39: nobody else writes the annotation", async () => {
    await administrator().create(podOf("guarded"));
    const body = { metadata: { annotations: { [podEni]: "[]" } } };
    const jane = world.kubernetes.api.as("jane");

    await expect(jane.patch(podRef("guarded"), { type: "merge", body })).rejects.toThrow(podEni);
    await expect(jane.create(podOf("forged", {}, { [podEni]: "[]" }))).rejects.toThrow(podEni);
  });

  test("K41: the CNI plugin's user changes nothing of a node but its labels", async () => {
    const awsNode = world.kubernetes.api.as("system:serviceaccount:kube-system:aws-node");
    const labelled = (key: string) =>
      awsNode.patch(nodeRef, { type: "merge", body: { metadata: { labels: { [key]: "a" } } } });

    await expect(labelled("role")).rejects.toThrow("aws-node");
    await expect(labelled("vpc.amazonaws.com/eniConfig")).resolves.toBeDefined();
    await awsNode.patch(nodeRef, {
      type: "merge",
      body: { metadata: { labels: { "vpc.amazonaws.com/eniConfig": null } } },
    });
  });

  test("goes on after its watches break and its versions are too old", async () => {
    world.kubernetes.inject({ kind: "status", code: 500, method: "GET", count: 10 });
    world.kubernetes.inject({ kind: "expire-watch", count: 7 });
    world.kubernetes.dropWatches();
    const created = await administrator().create(podOf("late"));
    await bind("late");

    await eventually(async () =>
      expect(await world.received()).toContainEqual(
        expect.objectContaining({
          type: "PodObserved",
          pod: expect.objectContaining({ podUid: created.metadata.uid }),
        }),
      ),
    );
  });

  test("tells everything again after a restart", async () => {
    const late = await administrator().get(podRef("late"));
    const before = (await world.received()).length;

    await world.restartForwarder();

    await eventually(async () => {
      const later = (await world.received()).slice(before);
      expect(later).toContainEqual(
        expect.objectContaining({ type: "PodObserved", pod: expect.objectContaining({ podUid: late.metadata.uid }) }),
      );
      expect(later).toContainEqual(expect.objectContaining({ type: "NodeObserved", wantsTrunk: true }));
      expect(later).toContainEqual(expect.objectContaining({ type: "ClusterRegistered", cooldownSeconds: 60 }));
      expect(later).toContainEqual(
        expect.objectContaining({
          type: "NodeSnapshot",
          pods: expect.arrayContaining([expect.objectContaining({ podUid: late.metadata.uid })]),
        }),
      );
    });
  });

  test("no line of its log holds a secret", () => {
    expect(world.logged.length).toBeGreaterThan(0);
    expect(world.logged.join("\n")).not.toMatch(/Bearer|PRIVATE KEY|CERTIFICATE/);
  });
});
