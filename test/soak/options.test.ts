import { describe, expect, it } from "vitest";
import { parseOptions } from "./options.ts";

describe("the words after npm run soak --", () => {
  it("may be missing: ten minutes with 50 nodes, 400 pods and two replicas", () => {
    const whole = { minutes: 10, seed: 7, nodes: 50, pods: 400, replicas: 2, judgeMemory: true };
    expect(parseOptions([], 7)).toEqual(whole);
  });

  it("set length, seed and size", () => {
    const words = ["--minutes", "1.5", "--seed", "9", "--nodes", "5", "--pods", "40", "--replicas", "1"];
    const small = { minutes: 1.5, seed: 9, nodes: 5, pods: 40, replicas: 1, judgeMemory: false };
    expect(parseOptions(words, 7)).toEqual(small);
  });

  it.each([
    [["--minutes", "no"], '--minutes must be a number from 0.1 to 1440, not "no"'],
    [["--seed", "-1"], "argument is ambiguous"],
    [["--pods", "9"], '--pods must be a number from 10 to 5000, not "9"'],
    [["--replicas", "3"], '--replicas must be 1 or 2, not "3"'],
    [["--hours", "1"], "Unknown option '--hours'"],
  ])("%j is refused by name", (words, sentence) => {
    expect(parseOptions(words, 7)).toContain(sentence);
  });
});
