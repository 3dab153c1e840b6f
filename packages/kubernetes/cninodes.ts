import { cniNodeFinalizer, osLabel } from "./keys.ts";
import type { CniNodeFeature } from "./objects.ts";

/** What a CNINode is made from. */
export interface CniNodeSource {
  readonly nodeName: string;
  readonly nodeUid: string;
  readonly os: string;
  readonly cluster: string;
  readonly instanceId: string;
  /** Features of a CNINode that somebody deleted while the node lived. */
  readonly features: readonly CniNodeFeature[];
}

/**
 * The CNINode of a node, which must exist within seconds of it: the CNI plugin writes its feature there, and for IPv6
 * and custom networking tries only once.
 *
 * @see https://github.com/aws/amazon-vpc-resource-controller-k8s/blob/master/pkg/k8s/wrapper.go
 */
export const newCniNode = (source: CniNodeSource) => ({
  apiVersion: "vpcresources.k8s.aws/v1alpha1",
  kind: "CNINode",
  metadata: {
    name: source.nodeName,
    labels: { [osLabel]: source.os },
    finalizers: [cniNodeFinalizer],
    ownerReferences: [
      {
        apiVersion: "v1",
        kind: "Node",
        name: source.nodeName,
        uid: source.nodeUid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  },
  spec: {
    features: source.features.map((feature) => ({ ...feature })),
    tags: {
      "cluster.k8s.amazonaws.com/name": source.cluster,
      "node.k8s.amazonaws.com/instance_id": source.instanceId,
    },
  },
});
