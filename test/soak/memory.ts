/** What a process held at one moment, after a full garbage collection; bytes. */
export interface MemorySample {
  readonly heapUsed: number;
  readonly rss: number;
}

/** The means of a run's thirds; bytes. */
export interface MemoryTrend {
  readonly samples: number;
  readonly middle: MemorySample;
  readonly last: MemorySample;
  /** How far the heap's last third is above its middle one: 0.05 is 5 %. */
  readonly heapGrowth: number;
}

/** Fewer samples a third say nothing. */
const samplesPerThirdMin = 5;

/** Compares the last third of the samples with the middle one; nothing when there are too few of them. */
export function memoryTrend(samples: readonly MemorySample[]): MemoryTrend | undefined {
  const third = Math.floor(samples.length / 3);
  if (third < samplesPerThirdMin) return undefined;
  const middle = meanOf(samples.slice(-2 * third, -third));
  const last = meanOf(samples.slice(-third));
  return { samples: samples.length, middle, last, heapGrowth: last.heapUsed / middle.heapUsed - 1 };
}

function meanOf(samples: readonly MemorySample[]): MemorySample {
  const mean = (of: (sample: MemorySample) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  return { heapUsed: mean(({ heapUsed }) => heapUsed), rss: mean(({ rss }) => rss) };
}
