import { parseArgs } from "node:util";

/** How long, how large and how hard a soak is. */
export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly nodes: number;
  /** Pods that are there at a time, more or less. */
  readonly pods: number;
  /** Replicas of the forwarder. With more than one, the second is killed and started again now and then. */
  readonly replicas: 1 | 2;
  /** Whether memory has to be flat; a short run cannot tell. */
  readonly judgeMemory: boolean;
}

/** Bounds of the numbers that an operator gives. */
const bounds = { minutes: [0.1, 1_440], seed: [0, 2 ** 32 - 1], nodes: [2, 500], pods: [10, 5_000] } as const;
const defaults = { minutes: 10, nodes: 50, pods: 400 } as const;
const shortMinutesMax = 0.5;
/** Below this many minutes the thirds of a run are too short to compare. */
const memoryMinutesMin = 3;

/** A run of seconds, which cannot wait for what takes longer than itself. */
export const isShort = ({ minutes }: Pick<SoakOptions, "minutes">): boolean => minutes < shortMinutesMax;

/** Reads the words after `npm run soak --`. @returns a sentence that says what is wrong with them, or the options. */
export function parseOptions(words: readonly string[], seed: number): SoakOptions | string {
  const text = { type: "string" } as const;
  const options = { minutes: text, seed: text, nodes: text, pods: text, replicas: text };
  try {
    const { values } = parseArgs({ args: [...words], options });
    const number = (name: keyof typeof bounds, otherwise: number) => {
      const value = values[name] === undefined ? otherwise : Number(values[name]);
      const [least, most] = bounds[name];
      if (value >= least && value <= most) return value;
      throw new Error(`--${name} must be a number from ${least} to ${most}, not "${values[name]}"`);
    };
    const replicas = values.replicas ?? "2";
    if (replicas !== "1" && replicas !== "2") throw new Error(`--replicas must be 1 or 2, not "${replicas}"`);
    const minutes = number("minutes", defaults.minutes);
    return {
      minutes,
      seed: Math.floor(number("seed", seed)),
      nodes: Math.floor(number("nodes", defaults.nodes)),
      pods: Math.floor(number("pods", defaults.pods)),
      replicas: replicas === "1" ? 1 : 2,
      judgeMemory: minutes >= memoryMinutesMin,
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
