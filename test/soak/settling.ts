import type { Truth } from "./truth.ts";

/**
 * What an outcome may still change is guarded for 75 s, what was deleted by force cools for half a minute, and a forwarder notices a
 * silent stream after two minutes.
 */
const quietWithinMilliseconds = { loud: 150_000, silent: 300_000 } as const;
const lookMilliseconds = 1_000;
const progressMilliseconds = 10_000;
const shownMax = 3;

/** What is waited for. */
export interface Settling {
  readonly what: string;
  readonly collect: () => Promise<Truth>;
  readonly compare: (truth: Truth) => readonly string[];
  readonly say: (line: string) => void;
  /** Whether streams may have fallen silent, which takes longer to notice. */
  readonly mayBeSilent: boolean;
  /** Hears what was there when it did not become quiet. */
  readonly onUnrest: (truth: Truth) => Promise<void>;
}

/**
 * Looks until nothing differs, twice in a row.
 *
 * @returns what still differs when the time is over; nothing otherwise.
 */
export async function untilQuiet({ what, collect, compare, say, ...rest }: Settling): Promise<readonly string[]> {
  const begin = performance.now();
  let toldAt = begin;
  let wasQuiet = false;
  for (;;) {
    const truth = await collect();
    const found = compare(truth);
    const now = performance.now();
    if (found.length === 0 && wasQuiet) {
      say(`${what}, after ${((now - begin) / 1_000).toFixed(0)} s`);
      return [];
    }
    wasQuiet = found.length === 0;
    if (now - begin > quietWithinMilliseconds[rest.mayBeSilent ? "silent" : "loud"]) {
      await rest.onUnrest(truth);
      return found;
    }
    if (now - toldAt >= progressMilliseconds) {
      toldAt = now;
      say(`waiting until ${what}: ${found.length} differ, such as ${found.slice(0, shownMax).join("; ")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, lookMilliseconds));
  }
}
