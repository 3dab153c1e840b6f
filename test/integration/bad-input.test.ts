import { branded, type ClusterName, type InstanceId } from "@trunkline/core";
import type { Ec2Model, Ec2State } from "@trunkline/emulator-ec2";
import { bodyBytesMax, parsePodEvent } from "@trunkline/messages";
import { clusterQueueName, sharedQueueName } from "@trunkline/runtime/names";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { enablePodEni, type LocalWorld, startLocalWorld, withoutDelay } from "../support/local-world.ts";
import { type History, recordHistory, withTwin } from "../support/twin-ec2.ts";

const podEni = "vpc.amazonaws.com/pod-eni";
const trunkLabel = "vpc.amazonaws.com/has-trunk-attached";
const unheardOf = "z9.large";

type Instance = Ec2State["instances"][number];

/** Instances that EC2 describes with a type that no table knows. */
const unheardOfInstances = new Set<string | undefined>();

let local: LocalWorld;
let goodInstance: string;
let history: History;

beforeAll(async () => {
  local = await startLocalWorld({
    ec2: withoutDelay,
    visibilityTimeoutSeconds: 1,
    overrides: { durations: { refusalRetrySeconds: 2 } },
    prepare: async ({ ec2, addNodes }) => {
      history = recordHistory(ec2.model(), nameUnheardOfTypes);
      [goodInstance = ""] = await addNodes(1, "m5.large");
    },
  });
  await enablePodEni(local.administrator);
});

afterAll(() => local?.stop());

/** Lets EC2 describe instance types of tomorrow. */
function nameUnheardOfTypes(answer: { Reservations?: { Instances?: { InstanceId?: string }[] }[] }): void {
  for (const instance of (answer.Reservations ?? []).flatMap(({ Instances = [] }) => Instances))
    if (unheardOfInstances.has(instance.InstanceId)) Object.assign(instance, { InstanceType: unheardOf });
}

const eventually = <Found>(look: () => Promise<Found> | Found, seconds = 15) =>
  vi.waitFor(look, { timeout: seconds * 1_000, interval: 50 });

const podRef = (name: string) => ({ group: "", resource: "pods", namespace: "default", name });
const annotationOf = async (name: string) =>
  (await local.administrator.get(podRef(name))).metadata.annotations?.[podEni];

const createPod = (name: string) =>
  local.administrator.create({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", labels: { app: name } },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "pause", image: "registry.k8s.io/pause:3.10" }] },
  });

const createPolicy = (app: string, groupId: string) =>
  local.administrator.create({
    apiVersion: "vpcresources.k8s.aws/v1beta1",
    kind: "SecurityGroupPolicy",
    metadata: { name: app, namespace: "default" },
    spec: { podSelector: { matchLabels: { app } }, securityGroups: { groupIds: [groupId] } },
  });

const trunkIsReady = "NodeTrunkInitiated: The node has trunk interface initialized successfully";

const branchEnis = () =>
  local.world.ec2
    .model()
    .state()
    .networkInterfaces.filter(({ InterfaceType }) => InterfaceType === "branch");

/** Every pod runs, so that nothing asks EC2 for an address any more. */
const expectEverythingRuns = async () => {
  const { objects } = await local.administrator.list({ group: "", resource: "pods" });
  expect(objects.map(({ status }) => (status as { phase?: string }).phase)).toEqual(objects.map(() => "Running"));
};

/** The node that everything is about, and that nothing bad may reach. */
const goodNode = async () => {
  const name = await nodeOf({ InstanceId: goodInstance });
  const { metadata } = await local.administrator.get({ group: "", resource: "nodes", name });
  return { name, uid: metadata.uid ?? "", instanceId: goodInstance };
};

const clusterTag = "kubernetes.io/cluster/demo";

/** Runs an instance. One with the cluster's tag joins as a node by itself. */
const runInstance = (tag: string, InstanceType: "m5.large" | "t3.medium" = "m5.large"): Instance => {
  const { subnetId, clusterGroupId } = local.world.facts;
  const { Instances } = local.world.ec2.model().perform("RunInstances", {
    ImageId: "ami-0123456789abcdef0",
    InstanceType,
    MinCount: 1,
    MaxCount: 1,
    SubnetId: subnetId,
    SecurityGroupIds: [clusterGroupId],
    TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: tag, Value: "owned" }] }],
  });
  const [instance] = Instances ?? [];
  if (instance === undefined) throw new Error("There is no instance.");
  return instance;
};

/** The name of an instance's node, once it has joined. */
const nodeOf = ({ InstanceId = "" }: Instance) =>
  eventually(async () => {
    const { objects } = await local.administrator.list({ group: "", resource: "nodes" });
    const node = objects.find(({ spec }) => (spec as { providerID?: string }).providerID?.endsWith(InstanceId));
    expect(node).toBeDefined();
    return node?.metadata.name ?? "";
  });

const expectEvent = (name: string, text: string) =>
  eventually(async () => expect(await local.eventsOn(name)).toContain(text));

const createGroup = (model: Ec2Model) =>
  model.perform("CreateSecurityGroup", {
    GroupName: "late",
    Description: "Created when its policy was there already",
    VpcId: local.world.facts.vpcId,
  }).GroupId ?? "";

describe("a policy that names a group that does not exist", () => {
  test("K63: its pod is told in EC2's words, waits, and proceeds when the group is created", async () => {
    const { name } = await goodNode();
    await eventually(async () => expect(await local.eventsOn(name)).toContain(trunkIsReady));
    await eventually(expectEverythingRuns);
    const groupId = await withTwin(history, createGroup);

    await createPolicy("early", groupId);
    await createPod("early");
    await eventually(async () =>
      expect(await local.eventsOn("early")).toContain(
        `BranchAllocationFailed: failed to allocate branch ENI to pod: InvalidSecurityGroupID.NotFound: The securityGroup ID '${groupId}' does not exist`,
      ),
    );
    expect(await annotationOf("early")).toBeUndefined();
    expect(branchEnis()).toEqual([]);

    expect(createGroup(local.world.ec2.model())).toBe(groupId);
    await eventually(async () => expect(await annotationOf("early")).toContain('"eniId":"eni-'));
    expect(branchEnis().map(({ Groups }) => Groups?.map(({ GroupId }) => GroupId))).toEqual([[groupId]]);
    await eventually(expectEverythingRuns);
  });
});

/** What stands in every bad message and may stand in no log. */
const secret = "not-for-the-log";

/** A wish that would be met if its message were read. */
const wish = async () => {
  const { name, uid, instanceId } = await goodNode();
  const system = await local.administrator.get({ group: "", resource: "namespaces", name: "kube-system" });
  return {
    version: 1,
    type: "PodObserved",
    incarnation: system.metadata.uid,
    instanceId,
    nodeName: name,
    nodeUid: uid,
    pod: {
      podUid: "00000000-0000-4000-8000-000000000001",
      namespace: "default",
      name: secret,
      resourceVersion: "1",
      enis: 1,
      securityGroups: [local.world.facts.podGroupId],
    },
  };
};

/** Everything that a message could have changed; times and versions that move by themselves are left out. */
const everything = async () => {
  const rows = await local.rows();
  const { objects: pods } = await local.administrator.list({ group: "", resource: "pods" });
  const { objects: nodes } = await local.administrator.list({ group: "", resource: "nodes" });
  const { objects: events } = await local.administrator.list({ group: "", resource: "events" });
  return {
    ec2: local.world.ec2.model().state(),
    records: rows.map(({ pk, sk }) => `${pk} ${sk}`).toSorted(),
    branches: rows.filter(({ sk }) => sk.startsWith("BRANCH#")),
    annotations: [...pods, ...nodes].map(({ metadata }) => metadata.annotations),
    events: events.map(({ reason, message }) => [reason, message]),
  };
};

const podEvents = clusterQueueName("local", "demo", "pod-events");
const nodeEvents = clusterQueueName("local", "demo", "node-events");
const branchCooldown = sharedQueueName("local", "branch-cooldown");
const instanceEvents = sharedQueueName("local", "instance-events");

describe("messages on the queues", () => {
  test("that cannot be read end among the dead letters, counted, and change nothing", async () => {
    const good = await wish();
    expect(parsePodEvent(JSON.stringify(good)).ok).toBe(true);
    const bad = [
      { queue: podEvents, reason: "malformed", body: `{"${secret}` },
      { queue: podEvents, reason: "malformed", body: JSON.stringify({ ...good, cluster: secret }) },
      { queue: podEvents, reason: "unknown-version", body: JSON.stringify({ ...good, version: 99 }) },
      { queue: podEvents, reason: "unknown-type", body: JSON.stringify({ ...good, type: "NodeObserved" }) },
      { queue: podEvents, reason: "oversized", body: JSON.stringify(good).padEnd(bodyBytesMax + 1) },
      { queue: nodeEvents, reason: "unknown-type", body: JSON.stringify(good) },
      { queue: branchCooldown, reason: "malformed", body: JSON.stringify([secret]) },
      { queue: instanceEvents, reason: "malformed", body: JSON.stringify({ detail: secret }) },
    ];
    const before = await everything();

    await Promise.all(bad.map(({ queue, body }) => local.send(queue, body)));

    for (const { queue, body } of bad) await eventually(() => expect(local.deadLetters(queue)).toContain(body), 20);
    expect(await everything()).toEqual(before);
    const log = await local.log();
    const refused = log.filter(({ message }) => message === "A message was refused and changes nothing.");
    const counted = log.filter(({ MessagesRefused }) => MessagesRefused === 1);
    const kinds = bad.map(({ queue, reason }) => `${queue} ${reason}`);
    expect(new Set(refused.map(({ queue, reason }) => `${queue} ${reason}`))).toEqual(new Set(kinds));
    expect(new Set(counted.map(({ reason }) => reason))).toEqual(new Set(bad.map(({ reason }) => reason)));
    expect(JSON.stringify(log)).not.toContain(secret);
  });

  test("about another cluster's instance are noted and change nothing", async () => {
    const good = await wish();
    const { InstanceId: instanceId = "" } = runInstance("kubernetes.io/cluster/other");
    const { trunk } = await local.ledger.load(branded(goodInstance));
    if (trunk === undefined) throw new Error("There is no trunk.");
    const record = { ...trunk, instanceId: branded<InstanceId>(instanceId), cluster: branded<ClusterName>("other") };
    await local.ledger.commit([{ kind: "put", record, expect: [] }]);
    const before = await everything();

    await local.send(podEvents, JSON.stringify({ ...good, instanceId }));

    await eventually(async () =>
      expect((await local.log()).map(({ message, instanceId }) => `${message} ${instanceId}`)).toContain(
        `A message about another cluster's instance was dropped. ${instanceId}`,
      ),
    );
    expect(await everything()).toEqual(before);
    expect(local.deadLetters(podEvents)).not.toContain(JSON.stringify({ ...good, instanceId }));
  });
});

describe("a node that can have no trunk", () => {
  test("K72: of a type without trunking is told so", async () => {
    await expectEvent(
      await nodeOf(runInstance(clusterTag, "t3.medium")),
      "Unsupported: The instance type t3.medium is not supported for trunk interface (Security Group for Pods)",
    );
  });

  test("K72: of a type that nobody knows is told so", async () => {
    const instance = runInstance(clusterTag);
    unheardOfInstances.add(instance.InstanceId);

    await expectEvent(
      await nodeOf(instance),
      `Unsupported: The instance type ${unheardOf} is not supported yet by the vpc resource controller`,
    );
  });

  test("K13: is told which tag its instance lacks", async () => {
    const { InstanceId: instanceId = "", PrivateIpAddress: privateIp = "" } =
      runInstance("kubernetes.io/cluster/other");
    const availabilityZone = "us-west-2a";

    await expectEvent(
      await local.world.controllers.registerNode({ instanceId, privateIp, availabilityZone, instanceType: "m5.large" }),
      `NodeTrunkFailedInit: The node failed initializing trunk interface: the instance ${instanceId} lacks the tag ${clusterTag}`,
    );
  });

  test("leaves the other nodes as they are, also when it has no provider ID", async () => {
    await local.administrator.create({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "nowhere", labels: { "kubernetes.io/os": "linux", [trunkLabel]: "true" } },
    });
    const trunks = local.world.ec2
      .model()
      .state()
      .networkInterfaces.filter(({ InterfaceType }) => InterfaceType === "trunk");
    expect(trunks.map(({ Attachment }) => Attachment?.InstanceId)).toEqual([goodInstance]);

    await createPolicy("still", local.world.facts.podGroupId);
    await createPod("still");
    await eventually(async () => expect(await annotationOf("still")).toContain('"eniId":"eni-'));
  });
});
