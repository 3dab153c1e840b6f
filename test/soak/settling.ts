import type { Truth } from "./truth.ts";

/** A forwarder notices a silent stream after two minutes, and what an outcome may still change is guarded for more than one. */
const quietWithinMilliseconds = 300_000;
const lookMilliseconds = 2_000;
const progressMilliseconds = 10_000;
const shownMax = 3;

/** What is waited for. */
export interface Settling {
  readonly what: string;
  readonly collect: () => Promise<Truth>;
  readonly compare: (truth: Truth) => readonly string[];
  readonly say: (line: string) => void;
}

/**
 * Looks until nothing differs, twice in a row.
 *
 * @returns what still differs when the time is over; nothing otherwise.
 */
export async function untilQuiet({ what, collect, compare, say }: Settling): Promise<readonly string[]> {
  const begin = performance.now();
  let toldAt = begin;
  let wasQuiet = false;
  for (;;) {
    const found = compare(await collect());
    const now = performance.now();
    if (found.length === 0 && wasQuiet) {
      say(`${what}, after ${((now - begin) / 1_000).toFixed(0)} s`);
      return [];
    }
    wasQuiet = found.length === 0;
    if (now - begin > quietWithinMilliseconds) return found;
    if (now - toldAt >= progressMilliseconds) {
      toldAt = now;
      say(`waiting until ${what}: ${found.length} differ, such as ${found.slice(0, shownMax).join("; ")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, lookMilliseconds));
  }
}
