import type { InstanceId, NodeUid, PodEniAssigned, PodEniFailed, PodUid } from "@trunkline/core";
import type { Authorization, KubernetesObject, ResourceAttributes } from "@trunkline/emulator-kubernetes";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type ForwarderWorld, startForwarderWorld } from "../support/forwarder.ts";
import { deploy, readObjects } from "../support/kustomization.ts";

const user = "system:serviceaccount:kube-system:vpc-resource-controller";
const podEni = "vpc.amazonaws.com/pod-eni";
const instanceId = "i-0123456789abcdef0" as InstanceId;
const nodeRef = { group: "", resource: "nodes", name: "node-a" };
const cniNodeRef = { group: "vpcresources.k8s.aws", resource: "cninodes", name: "node-a" };
const podRef = (name: string) => ({ group: "", resource: "pods", namespace: "default", name });

/** The component that gives the rights that a certificate of the forwarder's own needs. */
const component = `${deploy}/components/self-made`;
const mutation = {
  group: "admissionregistration.k8s.io",
  resource: "mutatingwebhookconfigurations",
  name: "vpc-resource-mutating-webhook",
};
const leadership = { identity: "test", leaseSeconds: 3, renewSeconds: 2, retrySeconds: 1 };

/** What the forwarder asked for in a run that makes it do everything that it can do. */
const asked: Authorization[] = [];
let world: ForwarderWorld;

const administrator = () => world.kubernetes.api.as("kubernetes-admin");
const eventually = (check: () => Promise<unknown>) => vi.waitFor(check, { timeout: 20_000, interval: 20 });

const pod = (name: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", labels: { role: "db" } },
  spec: { containers: [{ name: "a", image: "nginx" }] },
});

const bind = (name: string) =>
  administrator().create(
    {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, namespace: "default" },
      target: { apiVersion: "v1", kind: "Node", name: "node-a" },
    },
    { subresource: "binding" },
  );

const assigned = ({ metadata: { uid, name = "" } }: KubernetesObject, vlanId: number): PodEniAssigned => ({
  type: "PodEniAssigned",
  podUid: uid as PodUid,
  namespace: "default",
  name,
  instanceId,
  enis: [
    {
      eniId: `eni-0123456789abcdef${vlanId}`,
      ifAddress: `0a:1b:2c:3d:4e:5${vlanId}`,
      privateIp: `192.168.0.1${vlanId}`,
      ipv6Addr: "",
      vlanId,
      subnetCidr: "192.168.0.0/16",
      subnetV6Cidr: "",
      associationID: `trunk-assoc-012${vlanId}`,
    },
  ],
});

const failed = ({ metadata: { uid, name = "" } }: KubernetesObject): PodEniFailed => ({
  type: "PodEniFailed",
  podUid: uid as PodUid,
  namespace: "default",
  name,
  instanceId,
  code: "InvalidGroup.NotFound",
  detail: "The security group 'sg-1' does not exist",
});

const annotationOf = async (name: string) => (await administrator().get(podRef(name))).metadata.annotations?.[podEni];

/** Waits until the forwarder has told of the pod, and so has seen it. */
const isObserved = ({ metadata: { uid = "" } }: KubernetesObject) =>
  eventually(async () => expect(JSON.stringify(await world.received())).toContain(uid));

/** The counts of the events that tell of failures. */
const failuresTold = async (): Promise<unknown[]> => {
  const { objects } = await administrator().list({ group: "", resource: "events" });
  return objects.filter(({ reason }) => reason === "BranchAllocationFailed").map(({ count }) => count);
};

/** The definition that belongs to the CNI plugin, which the forwarder reads where it is installed. */
const eniConfigs: KubernetesObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "eniconfigs.crd.k8s.amazonaws.com" },
  spec: {
    group: "crd.k8s.amazonaws.com",
    scope: "Cluster",
    names: { kind: "ENIConfig", plural: "eniconfigs", singular: "eniconfig" },
    versions: [
      {
        name: "v1alpha1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};

beforeAll(async () => {
  const selfMade = await Promise.all(["secret", "rbac"].map((file) => readObjects(`${component}/${file}.yaml`)));
  world = await startForwarderWorld({
    onAuthorization: (authorization) => void (authorization.user.username === user && asked.push(authorization)),
    installed: [...selfMade.flat(), ...(await readObjects(`${deploy}/base/webhooks.yaml`))],
    settings: {
      admission: { host: "127.0.0.1", port: 0, certificate: { source: "self-made" } },
      election: { ...leadership, lease: { namespace: "kube-system", name: "trunkline-forwarder" } },
    },
  });
  await eventually(async () => expect(JSON.stringify(await administrator().get(mutation))).toContain("caBundle"));
  await administrator().create(eniConfigs);
  await administrator().create({
    apiVersion: "vpcresources.k8s.aws/v1beta1",
    kind: "SecurityGroupPolicy",
    metadata: { name: "policy", namespace: "default" },
    spec: {
      podSelector: { matchLabels: { role: "db" } },
      serviceAccountSelector: {},
      securityGroups: { groupIds: ["sg-1"] },
    },
  });
  await administrator().create({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "node-a", labels: { "kubernetes.io/os": "linux" } },
    spec: { providerID: `aws:///us-west-2a/${instanceId}` },
    status: { capacity: { cpu: "2" }, allocatable: { cpu: "2" } },
  });
  // A forwarder that starts with everything there also watches what did not exist before.
  await world.restartForwarder();
  await playNode();
  await playPods();
  await playEnd();
}, 120_000);

afterAll(() => world.stop());

/** The node gets its CNINode, asks for a trunk, and shows its capacity and label. */
async function playNode(): Promise<void> {
  await eventually(() => administrator().get(cniNodeRef));
  const features = [{ name: "SecurityGroupsForPods" }];
  await administrator().patch(cniNodeRef, { type: "merge", body: { spec: { features } } });
  await eventually(async () => expect(JSON.stringify(await world.received())).toContain('"wantsTrunk":true'));
  const { metadata } = await administrator().get(nodeRef);
  await world.deliver({
    type: "NodeTrunkReady",
    instanceId,
    nodeName: "node-a",
    nodeUid: metadata.uid as NodeUid,
    branchesMax: 9,
    backendVersion: "0.1.0",
  });
  await eventually(async () =>
    expect(await administrator().get(nodeRef)).toMatchObject({
      metadata: { labels: { "vpc.amazonaws.com/has-trunk-attached": "true" } },
      status: { capacity: { [podEni]: "9" } },
    }),
  );
}

/** Pods are admitted and annotated, one of them with a copy that is old. */
async function playPods(): Promise<void> {
  // The ServiceAccount is so new that the copy lacks it: admission looks for it itself.
  world.kubernetes.inject({ kind: "silence", path: "/serviceaccounts" });
  await administrator().create({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "new", namespace: "default" },
  });
  const first = pod("first");
  (first.spec as { serviceAccountName?: string }).serviceAccountName = "new";
  const created = await administrator().create(first);
  await bind("first");
  await world.deliver(assigned(created, 1));
  await eventually(async () => expect(await annotationOf("first")).toContain("eni-"));

  const second = await administrator().create(pod("second"));
  await bind("second");
  await isObserved(second);
  world.kubernetes.inject({ kind: "silence", path: "/api/v1/pods" });
  await administrator().patch(podRef("second"), { type: "merge", body: { metadata: { labels: { a: "b" } } } });
  await world.deliver(assigned(second, 2));
  await eventually(async () => expect(await annotationOf("second")).toContain("eni-"));
  world.kubernetes.dropWatches();
}

/** An event that is there gets its count raised, and the forwarder brings back a CNINode that somebody deletes. */
async function playEnd(): Promise<void> {
  const third = await administrator().create(pod("third"));
  await bind("third");
  await isObserved(third);
  // The event is written and the answer lost: the repeat finds it there.
  world.kubernetes.inject({ kind: "reset", when: "after", method: "POST", path: "/events" });
  await world.deliver(failed(third));
  await eventually(async () => expect(await failuresTold()).toEqual([2]));
  await administrator().delete(cniNodeRef);
  await eventually(async () =>
    expect((await administrator().get(cniNodeRef)).metadata).not.toHaveProperty("deletionTimestamp"),
  );
}

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

/** Every single right that is given, and in which namespace; empty for the whole cluster. */
async function rightsGiven(): Promise<readonly (ResourceAttributes & { isNamed: boolean })[]> {
  const files = [`${deploy}/base/rbac.yaml`, `${component}/rbac.yaml`];
  const objects = (await Promise.all(files.map(readObjects))).flat();
  const roles = objects.filter(({ kind }) => kind.endsWith("Role"));
  return roles.flatMap(({ metadata, rules }) =>
    (rules as Rule[]).flatMap((rule) =>
      rule.verbs.flatMap((verb) =>
        rule.apiGroups.flatMap((group) =>
          rule.resources.flatMap((path) => {
            const [resource = "", subresource = ""] = path.split("/");
            const { resourceNames = [""] } = rule;
            const isNamed = rule.resourceNames !== undefined;
            const namespace = metadata.namespace ?? "";
            return resourceNames.map((name) => ({ verb, group, resource, subresource, namespace, name, isNamed }));
          }),
        ),
      ),
    ),
  );
}

const text = ({ verb, group, resource, subresource, namespace, name }: ResourceAttributes): string =>
  `${verb} ${[resource, subresource].filter(Boolean).join("/")}${group === "" ? "" : `.${group}`} ${name} ${namespace}`.trim();

test("the forwarder asks for nothing that its roles do not give", () => {
  const refused = asked.filter(({ decision }) => !decision.allowed);

  expect(asked.length).toBeGreaterThan(20);
  expect(refused.map(({ attributes }) => ("path" in attributes ? attributes.path : text(attributes)))).toEqual([]);
});

test("its roles give nothing that the forwarder does not ask for", async () => {
  const uses = asked.flatMap(({ attributes }) => ("path" in attributes ? [] : [attributes]));
  const unused = (await rightsGiven()).filter(
    (right) =>
      !uses.some(
        (use) =>
          use.verb === right.verb &&
          use.group === right.group &&
          use.resource === right.resource &&
          use.subresource === right.subresource &&
          (right.namespace === "" || use.namespace === right.namespace) &&
          (!right.isNamed || use.name === right.name),
      ),
  );

  expect(unused.map(text)).toEqual([]);
});
