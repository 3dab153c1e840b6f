import type { KubernetesObject } from "@trunkline/emulator-kubernetes";
import type { ApiAccess } from "@trunkline/emulator-kubernetes/ports";
import {
  type Certificate,
  emulatedCluster,
  installAdmission,
  selfMadeCertificate,
  startWorld,
  type World,
} from "@trunkline/local";
import type { SoakOptions } from "./options.ts";
import { buckets, instanceTypes, seconds } from "./settings.ts";

/** The namespaces in which pods come and go. */
export const namespaces = ["alpha", "beta", "gamma"] as const;
const groupsCount = 6;
const dnsName = "trunkline-forwarder.kube-system.svc";
const ports = { kubernetes: 0, ec2: 0, sqs: 0, dynamodb: 0 };

/** The world of a soak, without nodes and pods yet. */
export interface SoakCluster {
  readonly world: World;
  readonly administrator: ApiAccess;
  /** Groups that policies may name. */
  readonly groupIds: readonly string[];
  /** The forwarder's, whichever replica serves. */
  readonly certificate: Certificate;
}

/** Starts the world; webhooks reach the forwarder as a Service would lead them: to a replica that is there. */
export async function startCluster(options: {
  readonly admissionPorts: () => readonly number[];
  readonly onError: (error: unknown) => void;
}): Promise<SoakCluster> {
  let turn = 0;
  const world = await startWorld({
    region: "us-west-2",
    cluster: "soak",
    ports,
    dynamodbEndpoint: process.env.DYNAMODB_ENDPOINT,
    nodes: { count: 0, instanceType: "m5.large" },
    ec2: { buckets },
    outcomeRetentionSeconds: seconds.outcomeRetention,
    onError: options.onError,
    kubernetes: {
      resolveService: () => {
        const all = options.admissionPorts();
        turn += 1;
        const port = all[turn % Math.max(1, all.length)];
        return port === undefined ? undefined : { host: "127.0.0.1", port };
      },
    },
  });
  const administrator = world.kubernetes.api.as("kubernetes-admin");
  const certificate = await selfMadeCertificate(dnsName);
  await installAdmission(emulatedCluster(world.facts.kubernetes), { certificate });
  const groupIds = Array.from({ length: groupsCount }, (_, index) => makeGroup(world, `soak-${index}`));
  for (const name of namespaces)
    await administrator.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  return { world, administrator, groupIds, certificate };
}

function makeGroup(world: World, GroupName: string): string {
  const input = { GroupName, Description: "Pods of a soak", VpcId: world.facts.vpcId };
  const { GroupId } = world.ec2.model().perform("CreateSecurityGroup", input);
  if (GroupId === undefined) throw new Error("the emulated EC2 made a group without an ID");
  return GroupId;
}

/** Lets the nodes join, of several types, and switches trunks on as an operator does. */
export async function joinNodes({ world, administrator }: SoakCluster, { nodes }: SoakOptions): Promise<void> {
  const types = Array.from({ length: nodes }, (_, index) => instanceTypes[index % instanceTypes.length] ?? "m5.large");
  const env = [{ name: "ENABLE_POD_ENI", value: "true" }];
  await administrator.patch(
    { group: "apps", resource: "daemonsets", namespace: "kube-system", name: "aws-node" },
    { type: "strategic", body: { spec: { template: { spec: { containers: [{ name: "aws-node", env }] } } } } },
  );
  for (const [type, of] of Map.groupBy(types, (type) => type)) await world.addNodes(of.length, type);
}

/** An object with the fields that a soak reads. */
export interface SoakObject extends KubernetesObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly providerID?: string;
    readonly containers?: readonly { readonly resources?: { readonly requests?: Readonly<Record<string, string>> } }[];
    readonly features?: readonly { readonly name: string }[];
    readonly podSelector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly securityGroups?: { readonly groupIds?: readonly string[] };
  };
  readonly status?: {
    readonly phase?: string;
    readonly capacity?: Readonly<Record<string, string>>;
    readonly allocatable?: Readonly<Record<string, string>>;
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
  };
}

/** The instance that a node says it runs on. */
export const instanceOf = (node: SoakObject): string => node.spec?.providerID?.split("/").at(-1) ?? "";
