import type { Clock, Ec2Action, Pacer, TokenRequest } from "@trunkline/core";

/** A pacer that grants what a test lets it grant. */
export interface FakePacer extends Pacer {
  readonly asks: (readonly TokenRequest[])[];
  readonly reports: Parameters<Pacer["report"]>[0][];
  /** Units that are still granted; unlimited at first. */
  unitsLeft: number;
  /** How long a refused request waits, milliseconds. */
  waitMilliseconds: number;
}

/** A grant is void so long after its start, milliseconds (P17). */
const voidAfterMilliseconds = 2_000;

/** Makes a pacer that grants everything until it is told otherwise. */
export const createFakePacer = (clock: Clock): FakePacer => {
  const pacer: FakePacer = {
    asks: [],
    reports: [],
    unitsLeft: Number.POSITIVE_INFINITY,
    waitMilliseconds: 1_000,
    ask: async (requests) => {
      pacer.asks.push(requests);
      const now = clock.now();
      return requests.map(({ units }) => {
        const granted = Math.min(units, pacer.unitsLeft);
        pacer.unitsLeft -= granted;
        const wakeAt = now + pacer.waitMilliseconds;
        return { granted, startsAt: now, expiresAt: now + voidAfterMilliseconds, wakeAt, tag: 1 };
      });
    },
    report: async (calls: Partial<Record<Ec2Action, { readonly made: number; readonly throttled: number }>>) => {
      pacer.reports.push(calls);
    },
  };
  return pacer;
};
