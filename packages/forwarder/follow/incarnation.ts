import type { Incarnation } from "@trunkline/core";
import { isSuccess, type KubernetesApi, refusalOf } from "../ports/api.ts";
import { backoffMilliseconds, type Pauses } from "../ports/clock.ts";
import { type Log, textOf } from "../ports/log.ts";

export interface IncarnationOptions {
  readonly api: KubernetesApi;
  readonly random: () => number;
  readonly log: Log;
  /** Ending them ends the attempts. */
  readonly pauses: Pauses;
}

const backoff = { firstMilliseconds: 100, mostMilliseconds: 5_000 };

/**
 * Reads the UID of the namespace kube-system, which tells a cluster from another one of its name (P09). It is tried until it
 * is known.
 *
 * @returns undefined when the pauses were ended before.
 */
export const readIncarnation = async (options: IncarnationOptions): Promise<Incarnation | undefined> => {
  const { api, random, log, pauses } = options;
  for (let failures = 1; !pauses.ended; failures += 1) {
    try {
      const answer = await api.request({ method: "GET", path: "/api/v1/namespaces/kube-system" });
      const uid = (answer.body as { metadata?: { uid?: unknown } } | null)?.metadata?.uid;
      if (isSuccess(answer) && typeof uid === "string") return uid as Incarnation;
      log("warn", "The namespace kube-system cannot be read.", { problem: refusalOf(answer) });
    } catch (problem) {
      log("warn", "The API server cannot be reached.", { problem: textOf(problem) });
    }
    await pauses.pause(backoffMilliseconds(failures, random, backoff));
  }
  return undefined;
};
