import type { Fault, KubernetesEmulator } from "@trunkline/emulator-kubernetes";
import type { SoakOptions } from "./options.ts";
import type { Draws } from "./random.ts";

/** Faults of the API server, one after the other, as a seed draws them. */
export interface FaultSchedule {
  start(): void;
  /** No more faults, and those that still wait are taken back. Streams that fell silent stay so: their clients must notice. */
  stop(): Promise<void>;
  /** How many have struck so far. */
  struck(): Promise<number>;
}

type FaultName =
  | "refused"
  | "too-many-requests"
  | "expired-list"
  | "reset"
  | "delay"
  | "expired-watch"
  | "dropped-watches"
  | "forgotten-history"
  | "silence"
  | "outage";

const weights: Readonly<Record<FaultName, number>> = {
  refused: 10,
  "too-many-requests": 8,
  "expired-list": 2,
  reset: 8,
  delay: 8,
  "expired-watch": 3,
  "dropped-watches": 2,
  "forgotten-history": 1,
  silence: 0.3,
  outage: 0.4,
};
const pauseMilliseconds = [100, 1_500] as const;
/** A client notices a silent stream after minutes; a run of less has no time for it. */
const silenceMinutesMin = 5;
/**
 * The collections that fall silent. Policies do not: for as long as a client cannot know that they changed, pods are rightly given
 * what they said before, and the witness could not tell that from a mistake.
 */
const silentPaths = ["/api/v1/pods", "/api/v1/nodes", "/cninodes"] as const;
const watchedPaths = [...silentPaths, "/securitygrouppolicies", "/serviceaccounts", "/configmaps"] as const;
const methods = ["GET", "PATCH", "POST", "DELETE", undefined] as const;

/** Whether streams fall silent in such a run. */
export const mayBeSilent = ({ minutes }: Pick<SoakOptions, "minutes">): boolean => minutes >= silenceMinutesMin;

/** Draws the next fault. Only requests over the wire meet it, so that the cluster's own controllers are spared. */
export function drawFault(draws: Draws, options: Pick<SoakOptions, "minutes">): Fault {
  const count = draws.between(1, 6);
  const name = draws.weighted({ ...weights, silence: mayBeSilent(options) ? weights.silence : 0 });
  const method = draws.one(methods);
  const target = { count, ...(method === undefined ? {} : { method }) };
  switch (name) {
    case "refused":
      return { kind: "status", code: draws.one([500, 503, 504]) ?? 500, ...target };
    case "too-many-requests":
      return { kind: "status", code: 429, retryAfterSeconds: draws.between(1, 2), ...target };
    case "expired-list":
      return { kind: "status", code: 410, method: "GET", path: draws.one(silentPaths) ?? "/api/v1/pods" };
    case "reset":
      return { kind: "reset", when: draws.one(["before", "after"] as const) ?? "before", ...target };
    case "delay":
      return { kind: "delay", delayMs: draws.between(50, 3_000), ...target };
    case "expired-watch":
      return { kind: "expire-watch", path: draws.one(watchedPaths) ?? "/api/v1/pods" };
    case "dropped-watches":
      return { kind: "drop-watches" };
    case "forgotten-history":
      return { kind: "forget-history" };
    case "silence":
      return { kind: "silence", path: draws.one(silentPaths) ?? "/api/v1/pods" };
    case "outage":
      return { kind: "outage", durationMs: draws.between(500, 4_000) };
  }
}

/** Makes the schedule of a seed. */
export function createFaults(kubernetes: KubernetesEmulator, draws: Draws, options: SoakOptions): FaultSchedule {
  let injected = 0;
  let left = 0;
  let timer: NodeJS.Timeout | undefined;
  const plan = () => {
    timer = setTimeout(
      () => {
        const fault = drawFault(draws, options);
        kubernetes.inject(fault);
        injected += fault.count ?? 1;
        // A watch that is open is not asked for again: those that are to meet their fault are ended.
        if (fault.kind === "expire-watch") kubernetes.dropWatches();
        plan();
      },
      draws.between(...pauseMilliseconds),
    );
  };
  /** Faults that wait for their requests; the server may be away for a moment. */
  const waiting = async (method: "GET" | "DELETE"): Promise<readonly Fault[]> => {
    const response = await fetch(`${kubernetes.url}/_control/faults`, { method }).catch(() => undefined);
    if (response === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return waiting(method);
    }
    return ((await response.json()) as { faults: Fault[] }).faults;
  };
  return {
    start: plan,
    stop: async () => {
      clearTimeout(timer);
      left = sum(await waiting("GET"));
      await waiting("DELETE");
    },
    struck: async () => injected - (left > 0 ? left : sum(await waiting("GET"))),
  };
}

const sum = (faults: readonly Fault[]): number => faults.reduce((total, { count = 1 }) => total + count, 0);
