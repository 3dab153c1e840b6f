import { CoreV1Api, type KubeConfig, type V1Node } from "@kubernetes/client-node";
import type { Ec2Emulator } from "@trunkline/emulator-ec2";
import { oneLine, StartFailure } from "../failure.ts";
import { loadKubeConfig } from "../kube-config.ts";
import { type AccountOptions, beginTogether, factsOf, startAccount } from "./account.ts";
import type { Landscape } from "./landscape.ts";
import { deliverStateChanges } from "./nodes.ts";
import type { World } from "./world.ts";

/** How often the real cluster's nodes are looked at, milliseconds. */
const lookMilliseconds = 2_000;

/** How a world around a real API server begins. */
export interface RealWorldOptions extends AccountOptions {
  /** The kubeconfig's path. Its current context is used. */
  readonly kubeconfig: string;
  /** Whether EC2 gets an instance for each node that names one which it does not have. */
  readonly adoptNodes: boolean;
  /** Told about the nodes, one line each. */
  readonly tell: (line: string) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Starts the account for a cluster that exists already. Its nodes are looked at again and again, so that later ones are found too.
 *
 * @throws StartFailure when the kubeconfig cannot be read or its API server does not answer.
 */
export function startWorldOf(options: RealWorldOptions): Promise<Pick<World, "facts" | "ec2" | "stop">> {
  return beginTogether(async (atEnd, stop) => {
    const config = loadKubeConfig(options.kubeconfig);
    const account = await startAccount(options, atEnd);
    const { ec2, queues, landscape } = account;
    const deliveries = deliverStateChanges({ ec2, queues, onError: options.onError });
    atEnd(async () => deliveries.stop());
    const looks = await lookAtNodes(config, createNodeWatch({ ...options, ec2, landscape }), options);
    atEnd(() => looks.stop());
    return { facts: factsOf(options, account, config.getCurrentCluster()?.server ?? ""), ec2, stop };
  });
}

/** Looks at all nodes now, and from then on every few seconds. */
async function lookAtNodes(
  config: KubeConfig,
  look: (node: V1Node) => void,
  { kubeconfig, onError }: RealWorldOptions,
): Promise<{ stop(): Promise<void> }> {
  const core = config.makeApiClient(CoreV1Api);
  const lookAtAll = async () => {
    for (const node of (await core.listNode()).items) look(node);
  };
  await lookAtAll().catch((error: unknown) => {
    throw new StartFailure(`the API server of ${kubeconfig} does not show its nodes: ${oneLine(error)}`);
  });
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const plan = () => {
    timer = setTimeout(() => {
      running = lookAtAll()
        .catch(onError)
        .then(() => {
          if (timer) plan();
        });
    }, lookMilliseconds);
  };
  plan();
  return {
    stop: async () => {
      clearTimeout(timer);
      timer = undefined;
      await running;
    },
  };
}

/** What decides about nodes. */
export interface NodeWatchOptions extends Pick<RealWorldOptions, "cluster" | "adoptNodes" | "tell"> {
  readonly ec2: Ec2Emulator;
  readonly landscape: Pick<Landscape, "subnetId" | "clusterGroupId">;
}

/** Answers with what is done about each node: it is told once, and again when its provider ID changes. */
export function createNodeWatch(options: NodeWatchOptions): (node: V1Node) => void {
  const told = new Set<string>();
  return (node) => {
    const key = `${node.metadata?.uid} ${node.spec?.providerID}`;
    if (told.has(key)) return;
    told.add(key);
    const said = dealWith(node, options);
    if (said !== undefined) options.tell(`node ${node.metadata?.name}: ${said}`);
  };
}

function dealWith(node: V1Node, { ec2, landscape, cluster, adoptNodes }: NodeWatchOptions): string | undefined {
  const providerId = node.spec?.providerID ?? "";
  const instanceId = /(?:^|\/)(i-(?:[0-9a-f]{8}|[0-9a-f]{17}))$/.exec(providerId)?.[1];
  if (instanceId === undefined) return `its provider ID "${providerId}" names no EC2 instance`;
  if (
    ec2
      .model()
      .state()
      .instances.some(({ InstanceId }) => InstanceId === instanceId)
  )
    return undefined;
  if (!adoptNodes) return `the emulated EC2 has no instance ${instanceId}; --adopt-nodes makes one`;
  const instanceType = node.metadata?.labels?.["node.kubernetes.io/instance-type"] ?? "m5.large";
  try {
    ec2.model().adoptInstance({
      instanceId,
      instanceType,
      subnetId: landscape.subnetId,
      groupIds: [landscape.clusterGroupId],
      tags: { [`kubernetes.io/cluster/${cluster}`]: "owned" },
      privateIp: node.status?.addresses?.find(({ type }) => type === "InternalIP")?.address,
    });
    return `the emulated EC2 has the instance ${instanceId} now, of type ${instanceType}`;
  } catch (error) {
    return `the emulated EC2 cannot have its instance ${instanceId}: ${oneLine(error)}`;
  }
}
