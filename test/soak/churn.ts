import { isStatusError } from "@trunkline/emulator-kubernetes/ports";
import { createNodeChurn, type NodeAction } from "./churn-nodes.ts";
import { createPodChurn, type PodAction } from "./churn-pods.ts";
import type { ChurnWorld } from "./churn-world.ts";
import { isShort, type SoakOptions } from "./options.ts";

/** Pods, policies and nodes that come, change and go. */
export interface Churn {
  /** Makes the pods with which it begins. */
  begin(): Promise<void>;
  start(): void;
  /** Lets what is under way end. */
  stop(): Promise<void>;
  /** How often each thing was done. */
  readonly done: Readonly<Record<string, number>>;
}

/** How often each thing happens, beside each other. */
const weights: Readonly<Record<PodAction | NodeAction, number>> = {
  "create-pod": 30,
  "delete-pod": 14,
  "force-delete-pod": 6,
  "recreate-pod": 6,
  "run-to-end": 10,
  "sweep-finished": 8,
  scale: 6,
  "roll-out": 1,
  "change-policy": 2,
  "reset-capacity": 1,
  "delete-cninode": 1,
  "reregister-node": 0.6,
  "lose-node-object": 0.2,
  "replace-node": 0.4,
  "change-cooldown": 0.5,
};
/** What was deleted by force cools down for half a minute more. */
const weightsOf = (options: SoakOptions): typeof weights =>
  isShort(options) ? { ...weights, "force-delete-pod": 0, "recreate-pod": 0 } : weights;
const pauseMilliseconds = [60, 260] as const;
/** Things that take seconds, at a time. */
const underWayMax = 8;

/** Makes the churn of a seed. What the API server refuses because something else came first is part of it. */
export function createChurn(given: Omit<ChurnWorld, "api" | "pause">, onError: (error: unknown) => void): Churn {
  const stopping = Promise.withResolvers<void>();
  let isStopping = false;
  const pause = (milliseconds: number) => {
    const timer = Promise.withResolvers<void>();
    const handle = setTimeout(timer.resolve, milliseconds);
    return Promise.race([timer.promise, stopping.promise]).finally(() => clearTimeout(handle));
  };
  const churnWorld: ChurnWorld = { ...given, api: given.cluster.administrator, pause };
  const pods = createPodChurn(churnWorld);
  const nodes = createNodeChurn(churnWorld);
  const acts = { ...pods.acts, ...nodes.acts };
  const done: Record<string, number> = {};
  const underWay = new Set<Promise<void>>();
  let running: Promise<void> = Promise.resolve();

  const act = (name: PodAction | NodeAction) => {
    done[name] = (done[name] ?? 0) + 1;
    const acting = acts[name]().catch((error: unknown) => {
      if (!isExpected(error)) onError(error);
    });
    underWay.add(acting);
    void acting.finally(() => underWay.delete(acting));
  };

  const run = async () => {
    while (!isStopping) {
      if (underWay.size < underWayMax) act(given.draws.weighted(weightsOf(given.options)));
      await pause(given.draws.between(...pauseMilliseconds));
    }
  };

  return {
    begin: pods.begin,
    start: () => {
      running = run();
    },
    stop: async () => {
      isStopping = true;
      stopping.resolve();
      await running;
      await Promise.all(underWay);
    },
    done,
  };
}

/** Somebody else was faster: the object is gone, there already, or another one. */
const isExpected = (error: unknown): boolean =>
  ["NotFound", "AlreadyExists", "Conflict"].some((reason) => isStatusError(error, reason));
