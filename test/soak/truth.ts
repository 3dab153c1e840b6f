import type { BranchRecord, PodEni, TrunkRecord } from "@trunkline/core";

/** A pod as Kubernetes has it. */
export interface PodTruth {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Empty while it is not bound. */
  readonly nodeName: string;
  /** How many branch ENIs it asks for. */
  readonly enis: number;
  /** It has succeeded or failed. */
  readonly isTerminal: boolean;
  /** What its annotation says; `unreadable` when that is no list of ENIs. */
  readonly annotation: readonly PodEni[] | "unreadable" | undefined;
}

/** A node as Kubernetes has it. Quantities are texts, absent when the node does not have them. */
export interface NodeTruth {
  readonly name: string;
  readonly instanceId: string;
  readonly capacity: string | undefined;
  readonly allocatable: string | undefined;
  /** The label that tells of a trunk. */
  readonly label: string | undefined;
}

/** A CNINode as Kubernetes has it. */
export interface CniNodeTruth {
  readonly name: string;
  readonly isTerminating: boolean;
  readonly features: readonly string[];
}

/** A network interface that carries our owner tag, as EC2 has it. */
export interface EniTruth {
  readonly eniId: string;
  readonly isTrunk: boolean;
  readonly mac: string;
  readonly privateIp: string;
  readonly securityGroups: readonly string[];
  readonly tags: ReadonlyMap<string, string>;
  readonly attachedTo?: { readonly instanceId: string; readonly deviceIndex: number } | undefined;
}

/** An association of a branch with a trunk, as EC2 has it. */
export interface AssociationTruth {
  readonly associationId: string;
  readonly branchEniId: string;
  readonly trunkEniId: string;
  readonly vlanId: number;
}

/** Everything that must agree, at one moment at which nothing moves. */
export interface Truth {
  readonly cluster: string;
  readonly pods: readonly PodTruth[];
  readonly nodes: readonly NodeTruth[];
  readonly cniNodes: readonly CniNodeTruth[];
  /** Instances that exist: neither terminated nor on the way there. */
  readonly instanceIds: readonly string[];
  /** Those of ours only. */
  readonly enis: readonly EniTruth[];
  readonly associations: readonly AssociationTruth[];
  readonly trunks: readonly TrunkRecord[];
  readonly branches: readonly BranchRecord[];
  /** Dead letters by queue. */
  readonly deadLetters: ReadonlyMap<string, number>;
}
