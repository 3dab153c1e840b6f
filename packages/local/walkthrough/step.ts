import { setTimeout as sleep } from "node:timers/promises";

/** An expectation of the walk-through that does not hold. */
export class Unmet extends Error {
  override readonly name = "Unmet";
}

/** One step of the walk-through: what it shows, and the checks that show it. */
export interface Step<Context> {
  readonly title: string;
  run(context: Context, checks: Checks): Promise<void>;
}

/** The result of one step. */
export interface StepResult {
  readonly title: string;
  readonly seconds: number;
  /** What was seen, in the order in which it was checked. */
  readonly seen: readonly string[];
  /** Absent when every expectation held. */
  readonly unmet?: string;
}

/** Collects what a step sees, and fails it at the first expectation that does not hold. */
export class Checks {
  readonly seen: string[] = [];

  /** Notes `text` when `condition` holds. @throws Unmet otherwise. */
  check(condition: boolean, text: string, found?: unknown): void {
    if (!condition) throw new Unmet(found === undefined ? text : `${text} (found ${describe(found)})`);
    this.seen.push(text);
  }

  /**
   * Looks every 100 ms until `probe` answers with something other than undefined.
   *
   * @returns that answer. @throws Unmet after `withinSeconds`, with what `otherwise` says about the last state.
   */
  async eventually<Found>(
    text: string,
    probe: () => Promise<Found | undefined>,
    options: { withinSeconds: number; otherwise?: () => Promise<unknown> },
  ): Promise<Found> {
    const deadline = performance.now() + options.withinSeconds * 1_000;
    for (;;) {
      const found = await probe();
      if (found !== undefined) {
        this.seen.push(text);
        return found;
      }
      if (performance.now() > deadline) {
        const state = options.otherwise ? `; found ${describe(await options.otherwise())}` : "";
        throw new Unmet(`${text}: not within ${options.withinSeconds} s${state}`);
      }
      await sleep(100);
    }
  }
}

const describe = (found: unknown): string => JSON.stringify(found)?.slice(0, 600) ?? String(found);

/** What the person at the terminal sees while the walk-through runs. */
export interface Audience {
  begins(title: string, number: number, total: number): void;
  ends(result: StepResult): void;
}

/** Plays the steps in order and stops after the first whose expectations do not hold. */
export async function playSteps<Context>(
  steps: readonly Step<Context>[],
  context: Context,
  audience: Audience,
): Promise<readonly StepResult[]> {
  const results: StepResult[] = [];
  for (const [index, step] of steps.entries()) {
    audience.begins(step.title, index + 1, steps.length);
    const result = await playStep(step, context);
    results.push(result);
    audience.ends(result);
    if (result.unmet !== undefined) break;
  }
  return results;
}

async function playStep<Context>(step: Step<Context>, context: Context): Promise<StepResult> {
  const checks = new Checks();
  const begin = performance.now();
  const unmet = await step.run(context, checks).then(
    () => undefined,
    (error: unknown) => (error instanceof Unmet ? error.message : describeCrash(error)),
  );
  const seconds = (performance.now() - begin) / 1_000;
  return { title: step.title, seconds, seen: checks.seen, ...(unmet === undefined ? {} : { unmet }) };
}

const describeCrash = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);
