import type { KubernetesApi } from "../ports/api.ts";
import { createPauses, type ForwarderClock } from "../ports/clock.ts";
import { type Log, textOf } from "../ports/log.ts";
import { createLeaseStore, type LeaseName, type LeaseObject, type LeaseSpec, microTime } from "./lease.ts";

/** Durations of an election; {@link https://pkg.go.dev/k8s.io/client-go/tools/leaderelection} gives the rules between them. */
export interface ElectionSettings {
  /** Tells this process from every other one, those that bore its name before included. */
  readonly identity: string;
  readonly lease: LeaseName;
  /** How long others wait after they saw a renewal, in whole seconds. */
  readonly leaseSeconds: number;
  /** How long a leader goes on without a renewal, in seconds: shorter than the lease. */
  readonly renewSeconds: number;
  /** Between two attempts, in seconds. */
  readonly retrySeconds: number;
}

export interface ElectionOptions {
  readonly api: KubernetesApi;
  readonly clock: ForwarderClock;
  readonly random: () => number;
  readonly log: Log;
  readonly settings: ElectionSettings;
  readonly onElected: () => void;
  /** The lease is lost or could not be renewed in time: whatever acts must stop at once. */
  readonly onLost: () => void;
}

/** One replica's part in choosing the leader. */
export interface Election {
  start(): void;
  /** Takes part no more, and gives the lease back when it is held, so that another one leads at its next attempt. */
  release(): Promise<void>;
}

/** Attempts lie up to this part of the time apart from their plan, so that replicas do not ask in step. */
const jitter = 0.1;
/** How long the last word to the API server may take. */
const releaseMilliseconds = 2_000;

/** What is known of another's lease: when its present state was first seen, on this machine's own monotonic clock. */
interface Sighting {
  readonly state: string;
  readonly at: number;
}

/** What came of an attempt; who does not hold the lease learns for how many milliseconds another's is good. */
type Attempt =
  | { readonly held: true; readonly lease: LeaseObject }
  | { readonly held: false; readonly by: string; readonly goodForMilliseconds: number };

/**
 * Elects a leader by a Lease, as client-go does: whoever holds it renews it, and whoever does not takes it when it has not
 * changed for as long as it says. Times of other machines are never compared with this one's. Unlike client-go, a leader that
 * sees another holder stops at once and not at the end of its deadline, and waiting replicas try just when the lease ends.
 */
export const createElection = (options: ElectionOptions): Election => {
  const { api, clock, random, log, settings, onElected, onLost } = options;
  const { identity, leaseSeconds, renewSeconds, retrySeconds } = settings;
  const store = createLeaseStore(api, settings.lease);
  const pauses = createPauses(clock);
  let sighting: Sighting | undefined;
  let isLeading = false;
  let held: LeaseObject | undefined;
  let loop: Promise<void> = Promise.resolve();
  let cancelDeadline = () => {};

  const lose = (because: string): void => {
    cancelDeadline();
    if (!isLeading) return;
    isLeading = false;
    held = undefined;
    log("warn", "This replica leads no more.", { because });
    onLost();
  };

  const win = (lease: LeaseObject, askedAt: number): void => {
    held = lease;
    cancelDeadline();
    const left = askedAt + renewSeconds * 1_000 - clock.monotonic();
    cancelDeadline = clock.after(Math.max(left, 0), () => lose("the lease could not be renewed in time"));
    if (isLeading) return;
    isLeading = true;
    onElected();
  };

  /** For how long another's lease is good, from the time at which its state was first seen here. */
  const goodFor = (spec: LeaseSpec): number => {
    const state = JSON.stringify(spec);
    if (sighting?.state !== state) sighting = { state, at: clock.monotonic() };
    return sighting.at + (spec.leaseDurationSeconds ?? leaseSeconds) * 1_000 - clock.monotonic();
  };

  const attempt = async (): Promise<Attempt> => {
    const before = await store.read();
    const spec = before?.spec ?? {};
    const holder = spec.holderIdentity ?? "";
    if (holder !== identity && holder !== "") {
      const goodForMilliseconds = goodFor(spec);
      if (goodForMilliseconds > 0) return { held: false, by: holder, goodForMilliseconds };
    }
    const now = microTime(clock.now());
    const mine = holder === identity && isLeading;
    const written = await store.write(
      {
        holderIdentity: identity,
        leaseDurationSeconds: leaseSeconds,
        renewTime: now,
        ...(mine ? {} : { acquireTime: now, leaseTransitions: before === undefined ? 0 : transitionsOf(spec) + 1 }),
      },
      before,
    );
    return written.ok
      ? { held: true, lease: written.lease }
      : { held: false, by: "", goodForMilliseconds: Number.POSITIVE_INFINITY };
  };

  /** What came of an attempt; undefined when the API server did not answer as it should. */
  const tryAttempt = async (): Promise<Attempt | undefined> => {
    try {
      return await within(clock, (renewSeconds * 1_000) / 2, attempt());
    } catch (problem) {
      log("warn", "The lease could not be read or written; it is tried again.", { problem: textOf(problem) });
      return undefined;
    }
  };

  /** The milliseconds until the next attempt. Rejects when what this replica begins or ends as a leader throws. */
  const tryOnce = async (): Promise<number> => {
    const askedAt = clock.monotonic();
    const retry = retrySeconds * 1_000 * (1 - jitter + 2 * jitter * random());
    const result = await tryAttempt();
    // What is written while this replica leaves is given back by whoever leaves.
    if (result?.held && pauses.ended) held = result.lease;
    if (pauses.ended) return 0;
    if (result === undefined) return retry;
    if (result.held) {
      win(result.lease, askedAt);
      return retry;
    }
    if (result.by !== "") lose(`${result.by} holds the lease`);
    return Math.min(retry, result.goodForMilliseconds + retry * jitter * random());
  };

  const run = async (): Promise<void> => {
    while (!pauses.ended) await pauses.pause(await tryOnce());
  };

  return {
    start: () => {
      loop = run();
    },
    release: async () => {
      pauses.end();
      await loop;
      cancelDeadline();
      isLeading = false;
      if (held === undefined) return;
      const now = microTime(clock.now());
      const spec = { holderIdentity: "", leaseDurationSeconds: 1, renewTime: now, acquireTime: now };
      await within(clock, releaseMilliseconds, store.write(spec, held)).catch((problem: unknown) => {
        log("warn", "The lease was not given back; it ends by itself.", { problem: textOf(problem) });
      });
      held = undefined;
    },
  };
};

const transitionsOf = (spec: LeaseSpec): number => spec.leaseTransitions ?? 0;

/** The promise's value, or a rejection after the time; the promise's own later rejection is then of no interest. */
const within = async <Value>(clock: ForwarderClock, milliseconds: number, promise: Promise<Value>): Promise<Value> => {
  const late = Promise.withResolvers<never>();
  const cancel = clock.after(milliseconds, () => late.reject(new Error("the API server did not answer in time")));
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    cancel();
  }
};
