import type { Cloud } from "./cloud.ts";
import type { Cluster } from "./cluster.ts";

/** What the local world tells those who walk through it; the same facts stand in `.trunkline/world.json`. */
export interface WorldFacts {
  readonly kubernetes: string;
  readonly ec2: string;
  readonly dynamodb: string;
  readonly sqs: string;
  readonly region: string;
  readonly pid: number;
  /** The epoch of the table: what an earlier world has left in it counts as absent. */
  readonly epoch: string;
  readonly cluster: string;
  readonly vpcId: string;
  readonly subnetId: string;
  /** The group of the nodes and of the control plane. */
  readonly clusterGroupId: string;
  readonly podGroupId: string;
  readonly databaseGroupId: string;
  /** Private address on which the database listens, port 5432. */
  readonly databaseAddress: string;
}

/** What every step of the walk-through has at hand. */
export interface Tour {
  readonly facts: WorldFacts;
  readonly cluster: Cluster;
  readonly cloud: Cloud;
  readonly cooldownSeconds: number;
  /** Stops the forwarder, the API server and EC2's events at once: nobody says goodbye. */
  silenceCluster(): Promise<void>;
  /** Figures for the summary, by what they are called there. */
  readonly figures: Map<string, string>;
}

/** The namespace of the tutorial. */
export const namespace = "my-namespace";
/** Labels of the pods that the policy matches. */
export const matching = "role=my-role";
