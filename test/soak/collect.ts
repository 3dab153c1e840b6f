import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { branded, type InstanceId, type Ledger } from "@trunkline/core";
import type { KubernetesObject } from "@trunkline/emulator-kubernetes";
import { readPodEnis } from "@trunkline/kubernetes";
import { createLedger } from "@trunkline/ledger";
import { clusterQueues, sharedQueues, type World } from "@trunkline/local";
import { systemClock } from "@trunkline/runtime";
import { deadLettersName, deploymentName, tableName } from "@trunkline/runtime/names";
import { instanceOf, type SoakCluster, type SoakObject } from "./cluster.ts";
import type { CniNodeTruth, EniTruth, NodeTruth, PodTruth, Truth } from "./truth.ts";
import type { SeenPod } from "./witness.ts";

const podEni = "vpc.amazonaws.com/pod-eni";
const trunkLabel = "vpc.amazonaws.com/has-trunk-attached";
const stage = "local";

/** Reads what Kubernetes, EC2 and the ledger have. */
export interface Collector {
  collect(): Promise<Truth>;
  stop(): void;
}

/** Makes a collector for a world. */
export function createCollector({ world, administrator }: SoakCluster): Collector {
  const { facts, queues } = world;
  const client = new DynamoDBClient({
    endpoint: facts.dynamodb,
    region: facts.region,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  const ledger = createLedger({ client, table: tableName(stage), epoch: facts.epoch, clock: systemClock });
  const list = async (group: string, resource: string) => (await administrator.list({ group, resource })).objects;
  const names = [...Object.values(clusterQueues(facts.cluster)), ...Object.values(sharedQueues())];
  return {
    collect: async () => {
      const pods = (await list("", "pods")).map((pod) => truthOfPod(seenPod(pod)));
      const nodes = (await list("", "nodes")).map(truthOfNode);
      const cniNodes = (await list("vpcresources.k8s.aws", "cninodes")).map(truthOfCniNode);
      const partitions = await partitionsOf(world, ledger);
      return {
        cluster: facts.cluster,
        pods,
        nodes,
        cniNodes,
        ...truthOfEc2(world),
        trunks: partitions.flatMap(({ trunk }) => trunk ?? []),
        branches: partitions.flatMap(({ branches }) => branches),
        deadLetters: new Map(
          names.map((name) => [name, queues.server.inspectQueue(deadLettersName(name))?.messages.ready.length ?? 0]),
        ),
      };
    },
    stop: () => client.destroy(),
  };
}

async function partitionsOf(world: World, ledger: Ledger) {
  const instances = world.ec2.model().state().instances;
  const ids = new Set(instances.map(({ InstanceId = "" }) => branded<InstanceId>(InstanceId)));
  return await Promise.all([...ids].map((id) => ledger.load(id)));
}

function truthOfEc2(world: World): Pick<Truth, "instanceIds" | "enis" | "associations"> {
  const { instances, networkInterfaces, associations } = world.ec2.model().state();
  const enis = networkInterfaces.map((eni): EniTruth => {
    const { Attachment } = eni;
    return {
      eniId: eni.NetworkInterfaceId ?? "",
      isTrunk: eni.InterfaceType === "trunk",
      mac: eni.MacAddress ?? "",
      privateIp: eni.PrivateIpAddress ?? "",
      securityGroups: (eni.Groups ?? []).map(({ GroupId = "" }) => GroupId),
      tags: new Map((eni.TagSet ?? []).map(({ Key = "", Value = "" }) => [Key, Value])),
      attachedTo: Attachment && {
        instanceId: Attachment.InstanceId ?? "",
        deviceIndex: Attachment.DeviceIndex ?? -1,
      },
    };
  });
  const isOver = (state: string | undefined) => state === "shutting-down" || state === "terminated";
  return {
    instanceIds: instances.flatMap(({ InstanceId = "", State }) => (isOver(State?.Name) ? [] : [InstanceId])),
    enis: enis.filter(({ tags }) => tags.get("trunkline:owner") === deploymentName(stage)),
    associations: associations.map((association) => ({
      associationId: association.AssociationId ?? "",
      branchEniId: association.BranchInterfaceId ?? "",
      trunkEniId: association.TrunkInterfaceId ?? "",
      vlanId: association.VlanId ?? 0,
    })),
  };
}

/** A pod as a watch or a list tells it. */
export function seenPod(object: KubernetesObject): SeenPod {
  const { metadata, spec, status } = object as SoakObject;
  const requests = (spec?.containers ?? []).map(({ resources }) => Number(resources?.requests?.[podEni] ?? 0));
  return {
    uid: metadata.uid ?? "",
    namespace: metadata.namespace ?? "",
    name: metadata.name ?? "",
    labels: metadata.labels ?? {},
    nodeName: spec?.nodeName ?? "",
    enis: requests.reduce((sum, count) => sum + count, 0),
    isTerminal: status?.phase === "Succeeded" || status?.phase === "Failed",
    annotation: metadata.annotations?.[podEni],
  };
}

const truthOfPod = ({ annotation, ...pod }: SeenPod): PodTruth => ({
  ...pod,
  annotation: annotation === undefined ? undefined : (readPodEnis(annotation) ?? "unreadable"),
});

function truthOfNode(object: KubernetesObject): NodeTruth {
  const node = object as SoakObject;
  return {
    name: node.metadata.name ?? "",
    instanceId: instanceOf(node),
    capacity: node.status?.capacity?.[podEni],
    allocatable: node.status?.allocatable?.[podEni],
    label: node.metadata.labels?.[trunkLabel],
  };
}

function truthOfCniNode(object: KubernetesObject): CniNodeTruth {
  const { metadata, spec } = object as SoakObject;
  return {
    name: metadata.name ?? "",
    isTerminating: metadata.deletionTimestamp !== undefined,
    features: (spec?.features ?? []).map(({ name }) => name),
  };
}
