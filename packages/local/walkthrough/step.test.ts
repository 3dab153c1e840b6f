import { describe, expect, it } from "vitest";
import { playSteps, type Step } from "./step.ts";

const silent = { begins: () => {}, ends: () => {} };

const passing: Step<string[]> = {
  title: "passes",
  run: async (context, checks) => {
    context.push("passes");
    checks.check(true, "one is one");
  },
};

describe("the walk-through", () => {
  it("shows what each step saw", async () => {
    const [result] = await playSteps([passing], [], silent);

    expect(result).toMatchObject({ title: "passes", seen: ["one is one"] });
    expect(result?.unmet).toBeUndefined();
  });

  it("names the step and the expectation that does not hold, and plays nothing after it", async () => {
    const played: string[] = [];
    const failing: Step<string[]> = {
      title: "fails",
      run: async (_, checks) => checks.check(false, "the pod is annotated", { annotations: {} }),
    };

    const results = await playSteps([failing, passing], played, silent);

    expect(results).toHaveLength(1);
    expect(results[0]).toMatchObject({ title: "fails", unmet: 'the pod is annotated (found {"annotations":{}})' });
    expect(played).toEqual([]);
  });

  it("fails a step whose state does not come in time, with the state that it found", async () => {
    const waiting: Step<string[]> = {
      title: "waits",
      run: async (_, checks) => {
        await checks.eventually("the ENI is gone", async () => undefined, {
          withinSeconds: 0.05,
          otherwise: async () => ["eni-1"],
        });
      },
    };

    const [result] = await playSteps([waiting], [], silent);

    expect(result?.unmet).toBe('the ENI is gone: not within 0.05 s; found ["eni-1"]');
  });

  it("treats a crash of a step as a failure of that step", async () => {
    const crashing: Step<string[]> = {
      title: "crashes",
      run: async () => {
        throw new Error("connection refused");
      },
    };

    const [result] = await playSteps([crashing], [], silent);

    expect(result?.unmet).toBe("Error: connection refused");
  });
});
