import { describe, expect, test } from "vitest";
import { readCooldown } from "./settings.ts";

const read = (value: string) => readCooldown({ "branch-eni-cooldown": value }, 30);

describe("K16: the cool-down in the ConfigMap", () => {
  test.each([
    ["90", 90],
    ["30", 30],
    ["3600", 3_600],
    [" 90\n", 90],
    ["+90", 90],
    ["0090", 90],
  ])("%j is taken as it is", (value, seconds) => {
    expect(read(value)).toEqual({ seconds });
  });

  test.each([
    ["29", 30, 'branch-eni-cooldown is "29"; the least is 30 and is taken'],
    ["0", 30, 'branch-eni-cooldown is "0"; the least is 30 and is taken'],
    ["-1", 30, 'branch-eni-cooldown is "-1"; the least is 30 and is taken'],
    ["100000", 3_600, 'branch-eni-cooldown is "100000"; the most is 3600 and is taken'],
    ["123456789012345678", 3_600, 'branch-eni-cooldown is "123456789012345678"; the most is 3600 and is taken'],
  ])("%j is brought within the limits, and said so", (value, seconds, problem) => {
    expect(read(value)).toEqual({ seconds, problem });
  });

  test.each(["aaa", "", " ", "60.5", "1e3", "0x3c", "60s", "6 0", "9".repeat(400)])(
    "%j is no whole number: nothing changes, and it is said so",
    (value) => {
      const { seconds, problem } = read(value);

      expect(seconds).toBeUndefined();
      expect(problem).toContain("must be a whole number of seconds, not ");
      expect(problem?.length).toBeLessThan(150);
    },
  );

  test.each([[undefined], [null], [{}], [{ "enable-windows-ipam": "true" }]])(
    "%j does not name it: nothing is wrong",
    (data) => {
      expect(readCooldown(data, 30)).toEqual({});
    },
  );
});
