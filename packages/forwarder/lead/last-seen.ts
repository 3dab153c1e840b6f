import type { CniNodeObject } from "@trunkline/kubernetes";
import type { Change } from "../follow/reflector.ts";
import type { CniNodeView } from "../follow/views.ts";

/**
 * What every replica remembers of CNINodes: how each was last seen, also when it is gone. The CNI plugin asks for a trunk once, so that
 * the CNINode of a node which is registered again, or that somebody deletes, must come back with what it asked for, whoever leads then.
 */
export interface LastSeen {
  cniNode(change: Change<CniNodeView>): void;
  /** The CNINode of this name as it was last seen; undefined when none was. */
  of(nodeName: string): CniNodeObject | undefined;
}

/** More nodes than a cluster has; those that were seen first are forgotten. */
const rememberedMax = 20_000;

export const createLastSeen = (): LastSeen => {
  const objects = new Map<string, CniNodeObject>();
  return {
    cniNode: ({ type, object: { name, object } }) => {
      if (type === "gone") return;
      objects.delete(name);
      const [oldest] = objects.size >= rememberedMax ? objects.keys() : [];
      if (oldest !== undefined) objects.delete(oldest);
      objects.set(name, object);
    },
    of: (nodeName) => objects.get(nodeName),
  };
};
