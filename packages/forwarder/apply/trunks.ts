import type { InstanceId, NodeTrunkReady } from "@trunkline/core";
import { isTrunkLabelOurs, nodeEvents, podEniKey, trunkLabel, trunkLabelMark } from "@trunkline/kubernetes";
import { type Cluster, instanceOfNode } from "../follow/cluster.ts";
import type { NodeView } from "../follow/views.ts";
import { isSuccess, type KubernetesApi, refusalOf } from "../ports/api.ts";
import { type Log, textOf } from "../ports/log.ts";
import { involvedNode, type Recorder } from "./recorder.ts";

/** What the functions said last about the trunk of an instance. */
export type TrunkState = Pick<NodeTrunkReady, "branchesMax" | "backendVersion"> | "gone";

/** A merge patch; null removes a key. */
type Patch = Readonly<Record<string, unknown>>;

/** Patches that bring a node in line with its trunk; absent where nothing differs. */
export interface NodePatches {
  readonly status?: Patch;
  readonly metadata?: Patch;
  /** The node learns just now that its trunk is ready. */
  readonly isNews: boolean;
}

/**
 * Compares a node with what is known of its trunk. The capacity is written again whenever it differs, because a kubelet
 * that starts anew resets it. A label of somebody else is a request and is left alone, but for its value.
 *
 * Each patch names the node's UID, which the API server refuses to change: another node of that name is never patched.
 */
export const decideNode = (node: NodeView, trunk: TrunkState): NodePatches => {
  const { metadata, status } = node.object;
  const capacity = status?.capacity?.[podEniKey];
  const label = metadata?.labels?.[trunkLabel];
  const isOurs = isTrunkLabelOurs(node.object);
  const setCapacity = (value: string): Patch => ({
    metadata: { uid: node.uid },
    status: { capacity: { [podEniKey]: value } },
  });
  const setLabel = (value: string | null, mark: object): Patch => ({
    metadata: { uid: node.uid, labels: { [trunkLabel]: value }, ...mark },
  });
  if (trunk === "gone") {
    return {
      ...(capacity === undefined || capacity === "0" ? {} : { status: setCapacity("0") }),
      ...(isOurs ? { metadata: setLabel(null, { annotations: { [trunkLabelMark]: null } }) } : {}),
      isNews: false,
    };
  }
  const wanted = String(trunk.branchesMax);
  const mark = label === undefined ? { annotations: { [trunkLabelMark]: "status" } } : {};
  return {
    ...(capacity === wanted ? {} : { status: setCapacity(wanted) }),
    ...(label === "true" ? {} : { metadata: setLabel("true", mark) }),
    isNews: capacity === undefined || capacity === "0",
  };
};

export interface TrunksOptions {
  readonly api: KubernetesApi;
  readonly cluster: Pick<Cluster, "nodesOf">;
  readonly recorder: Pick<Recorder, "record">;
  readonly log: Log;
}

/** Keeps nodes in line with their trunks. */
export interface Trunks {
  /** Remembers what the functions said and applies it; resolves to a problem that may pass, or undefined. */
  tell(instanceId: InstanceId, trunk: TrunkState): Promise<string | undefined>;
  isReady(instanceId: InstanceId): boolean;
  /** Applies what is known to a node that has changed or was not in line the last time. */
  look(node: NodeView): Promise<string | undefined>;
  forget(instanceId: InstanceId): void;
}

export const createTrunks = ({ api, cluster, recorder, log }: TrunksOptions): Trunks => {
  const known = new Map<InstanceId, TrunkState>();
  const busy = new Set<string>();

  const patch = async (path: string, body: Patch | undefined): Promise<string | undefined> => {
    if (body === undefined) return undefined;
    const answer = await api.request({ method: "PATCH", path, contentType: "application/merge-patch+json", body });
    return isSuccess(answer) || answer.status === 404 ? undefined : refusalOf(answer);
  };

  const align = async (node: NodeView, trunk: TrunkState): Promise<string | undefined> => {
    const patches = decideNode(node, trunk);
    const path = `/api/v1/nodes/${node.name}`;
    const problem = (await patch(path, patches.metadata)) ?? (await patch(`${path}/status`, patches.status));
    if (problem === undefined && trunk !== "gone" && patches.isNews) {
      recorder.record(involvedNode(node.name), nodeEvents.controllerVersion(trunk.backendVersion));
      recorder.record(involvedNode(node.name), nodeEvents.trunkInitiated());
    }
    return problem;
  };

  const look = async (node: NodeView): Promise<string | undefined> => {
    const instanceId = instanceOfNode(node);
    const trunk = instanceId === undefined ? undefined : known.get(instanceId);
    if (trunk === undefined || busy.has(node.name)) return undefined;
    busy.add(node.name);
    try {
      return await align(node, trunk);
    } catch (problem) {
      return textOf(problem);
    } finally {
      busy.delete(node.name);
    }
  };

  return {
    tell: async (instanceId, trunk) => {
      known.set(instanceId, trunk);
      const problems = await Promise.all(cluster.nodesOf(instanceId).map(look));
      return problems.find((problem) => problem !== undefined);
    },
    isReady: (instanceId) => {
      const trunk = known.get(instanceId);
      return trunk !== undefined && trunk !== "gone";
    },
    look: async (node) => {
      const problem = await look(node);
      if (problem !== undefined) log("warn", "A node could not be patched.", { node: node.name, problem });
      return problem;
    },
    forget: (instanceId) => void known.delete(instanceId),
  };
};
