import type { ChurnWorld } from "./churn-world.ts";
import { instanceOf, type SoakObject } from "./cluster.ts";
import { instanceTypes, seconds } from "./settings.ts";

/** What happens to nodes and to the cluster's settings. */
export type NodeAction =
  | "reset-capacity"
  | "delete-cninode"
  | "reregister-node"
  | "lose-node-object"
  | "replace-node"
  | "change-cooldown";

/** A Node object that is away for less keeps its pods. Milliseconds. */
const shortAbsence = [100, 1_200] as const;
/** The garbage collector takes the pods of a node that is away for longer than two seconds. */
const longAbsence = [3_000, 6_000] as const;

/** Makes what happens to nodes. A node to which something happens already is left alone. */
export function createNodeChurn({ cluster, draws, api, pause }: ChurnWorld): {
  readonly acts: Readonly<Record<NodeAction, () => Promise<void>>>;
} {
  const { world } = cluster;
  const busy = new Set<string>();
  const settings = { group: "", resource: "configmaps", namespace: "kube-system", name: "amazon-vpc-cni" };

  const anyNode = async (act: (node: SoakObject, name: string) => Promise<void>) => {
    const { objects } = await api.list({ group: "", resource: "nodes" });
    const node = draws.one(objects.filter(({ metadata }) => !busy.has(metadata.name ?? ""))) as SoakObject | undefined;
    const name = node?.metadata.name;
    if (node === undefined || name === undefined) return;
    busy.add(name);
    await act(node, name).finally(() => busy.delete(name));
  };

  /** The Node object goes and its kubelet registers it again after a while; the instance runs on. */
  const absence = (milliseconds: readonly [number, number]) => () =>
    anyNode(async (node, name) => {
      const labels = node.metadata.labels ?? {};
      await api.delete({ group: "", resource: "nodes", name });
      await pause(draws.between(...milliseconds));
      await world.controllers.registerNode({
        instanceId: instanceOf(node),
        privateIp: node.status?.addresses?.find(({ type }) => type === "InternalIP")?.address ?? "",
        instanceType: labels["node.kubernetes.io/instance-type"] ?? "",
        availabilityZone: labels["topology.kubernetes.io/zone"] ?? "",
      });
    });

  return {
    acts: {
      "reset-capacity": () => anyNode((_, name) => world.controllers.resetCapacity(name)),
      "delete-cninode": () =>
        anyNode((_, name) => api.delete({ group: "vpcresources.k8s.aws", resource: "cninodes", name })),
      "reregister-node": absence(shortAbsence),
      "lose-node-object": absence(longAbsence),
      "replace-node": () =>
        anyNode(async (node) => {
          world.ec2.model().perform("TerminateInstances", { InstanceIds: [instanceOf(node)] });
          await world.addNodes(1, draws.one(instanceTypes) ?? instanceTypes[0]);
        }),
      "change-cooldown": async () => {
        const data = { "branch-eni-cooldown": String(draws.one(seconds.cooldowns)) };
        const metadata = { name: settings.name, namespace: settings.namespace };
        await api
          .patch(settings, { type: "merge", body: { data } })
          .catch(() => api.create({ apiVersion: "v1", kind: "ConfigMap", metadata, data }));
      },
    },
  };
}
