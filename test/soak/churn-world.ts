import type { ApiAccess } from "@trunkline/emulator-kubernetes/ports";
import type { SoakCluster } from "./cluster.ts";
import type { SoakOptions } from "./options.ts";
import type { Draws } from "./random.ts";

/** What everything that happens to the cluster is made of. */
export interface ChurnWorld {
  readonly cluster: SoakCluster;
  readonly options: SoakOptions;
  readonly draws: Draws;
  readonly api: ApiAccess;
  /** Waits; an end of the churn cuts it short. */
  readonly pause: (milliseconds: number) => Promise<void>;
}
