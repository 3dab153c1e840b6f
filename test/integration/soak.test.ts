import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runSoak } from "../soak/soak.ts";

const options = { minutes: 0.1, seed: 7, nodes: 6, pods: 40, replicas: 1, judgeMemory: false } as const;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "soak-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("a soak of seconds", () => {
  it("leaves ledger, EC2 and Kubernetes in agreement, breaks no rule on the way, and ends with nothing left", async () => {
    const said: string[] = [];
    const result = await runSoak(options, { folder, say: (line) => said.push(line) });

    const { violations, disagreements, leftovers, troubles } = result;
    expect({ violations, disagreements, leftovers, troubles, said }).toEqual({
      violations: [],
      disagreements: [],
      leftovers: [],
      troubles: [],
      said,
    });
    expect(result.pods).toBeGreaterThan(options.pods);
    expect(result.delays.length).toBeGreaterThan(20);
    expect(result.faults).toBeGreaterThan(5);
  });
});
