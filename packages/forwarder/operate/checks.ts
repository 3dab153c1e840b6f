import type { Forwarder } from "../forwarder.ts";
import type { MeteredApi } from "./metered-api.ts";
import type { QueueWatch } from "./queue-watch.ts";
import type { Check } from "./server.ts";

/** A watch is renewed within 8 minutes and a list answers or fails within one, whatever the API server does. */
const silenceMilliseconds = 20 * 60_000;

/**
 * What only a new process mends: an event loop that does not answer at all, and a collection that nobody follows any more.
 * An API server or a queue that is away is not among it: a restart would bring neither back, and would lose the copies by
 * which admission is answered.
 */
export const healthChecks = (api: Pick<MeteredApi, "silentFor">): readonly Check[] => [
  {
    name: "reflectors",
    problem: () => {
      const silent = api.silentFor(silenceMilliseconds);
      return silent.length === 0 ? undefined : `not followed any more: ${silent.join(", ")}`;
    },
  },
];

export interface ReadinessOptions {
  readonly forwarder: Pick<Forwarder, "isReady" | "isLeader">;
  readonly queueWatch: Pick<QueueWatch, "neverReached" | "unreachable">;
  /** Of the admission server. */
  readonly certificates: { isReady(): boolean };
  readonly isStopping: () => boolean;
}

/**
 * Ready means that admission can be answered, and that the queues have answered once since the start. A queue that is away later
 * is shown, and takes no replica away from the API server, which needs no queue.
 */
export const readinessChecks = ({
  forwarder,
  queueWatch,
  certificates,
  isStopping,
}: ReadinessOptions): readonly Check[] => [
  { name: "copies", problem: () => (forwarder.isReady() ? undefined : "the cluster is not known yet") },
  {
    name: "certificate",
    problem: () => (certificates.isReady() ? undefined : "there is no certificate yet that the API servers trust"),
  },
  {
    name: "queues-since-start",
    problem: () => {
      const never = queueWatch.neverReached();
      return never.length === 0 ? undefined : `never reached: ${never.join(", ")}`;
    },
  },
  { name: "shutdown", problem: () => (isStopping() ? "the replica is stopping" : undefined) },
  {
    name: "queues",
    isOnlyShown: true,
    problem: () => {
      const away = queueWatch.unreachable();
      return away.length === 0 ? undefined : `not reached: ${away.join(", ")}`;
    },
  },
  { name: "leader", isOnlyShown: true, problem: () => (forwarder.isLeader() ? undefined : "another replica may lead") },
];
