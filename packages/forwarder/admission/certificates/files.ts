import { readFile } from "node:fs/promises";
import type { ForwarderClock } from "../../ports/clock.ts";
import { type Log, textOf } from "../../ports/log.ts";
import { type KeyPair, problemOfPair } from "./pair.ts";

/** Where a mounted Secret has the pair. */
export interface KeyPairPaths {
  readonly certPath: string;
  readonly keyPath: string;
}

/** Reads both files. Rejects when one cannot be read. */
export const readKeyPair = async ({ certPath, keyPath }: KeyPairPaths): Promise<KeyPair> => ({
  cert: await readFile(certPath, "utf8"),
  key: await readFile(keyPath, "utf8"),
});

export interface FollowFilesOptions {
  /** The pair that is in use. */
  readonly first: KeyPair;
  readonly read: () => Promise<KeyPair>;
  /** Takes a pair that fits. */
  readonly renew: (pair: KeyPair) => void;
  readonly clock: Pick<ForwarderClock, "after">;
  readonly log: Log;
}

const lookMilliseconds = 10_000;

/**
 * Looks at the files of a certificate every 10 s and takes what is new. Contents are compared, not times: a mounted Secret
 * is renewed by exchanging a link. A pair that is half written, or whose halves were read before and after the exchange,
 * is not taken; the one in use stays until the next look.
 *
 * @returns stops looking.
 */
export const followFiles = ({ first, read, renew, clock, log }: FollowFilesOptions): (() => void) => {
  let used = first;
  let reported = "";
  let isStopped = false;
  let cancel = (): void => {};

  /** Tells a problem once, until it changes or goes. */
  const report = (problem: string): void => {
    if (problem !== "" && problem !== reported) {
      log("warn", "The admission certificate's files are not taken; the one in use stays.", { problem });
    }
    reported = problem;
  };

  const look = async (): Promise<void> => {
    try {
      const found = await read();
      if (isStopped) return;
      const isNew = found.key !== used.key || found.cert !== used.cert;
      const problem = isNew ? problemOfPair(found) : undefined;
      if (isNew && problem === undefined) {
        renew(found);
        used = found;
        log("info", "The admission certificate is renewed.");
      }
      report(problem ?? "");
    } catch (problem) {
      report(textOf(problem));
    }
    if (!isStopped) cancel = clock.after(lookMilliseconds, () => void look());
  };

  cancel = clock.after(lookMilliseconds, () => void look());
  return () => {
    isStopped = true;
    cancel();
  };
};
