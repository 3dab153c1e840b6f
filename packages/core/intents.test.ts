import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { branded } from "./ids.ts";
import { clientToken, clientTokenLengthMax, intentText, parseIntent } from "./intents.ts";
import type { Intent } from "./ports.ts";

const anyIntent: fc.Arbitrary<Intent> = fc.record({
  cluster: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/).map((name) => branded(name)),
  instanceId: fc.stringMatching(/^i-([0-9a-f]{8}|[0-9a-f]{17})$/).map((id) => branded(id)),
  owner: fc.oneof(fc.uuid(), fc.stringMatching(/^[a-z0-9-]{1,128}$/)),
  index: fc.nat(15),
  createdAt: fc.integer({ min: 0, max: 2 ** 45 }),
  generation: fc.nat(10_000),
});

const sample: Intent = {
  cluster: branded("blue"),
  instanceId: branded("i-0123456789abcdef0"),
  owner: "pod-1",
  index: 0,
  createdAt: 1,
  generation: 0,
};

describe("intents", () => {
  it("come back from their text whole", () => {
    fc.assert(
      fc.property(anyIntent, (intent) => {
        expect(parseIntent(intentText(intent))).toEqual(intent);
      }),
    );
  });

  it("are not read from texts of others", () => {
    for (const text of ["", "a/b", "demo/i-12/pod/0/1/0", "demo/i-0123456789abcdef0/pod/0/1", "x".repeat(300)]) {
      expect(parseIntent(text)).toBeUndefined();
    }
  });

  it("have client tokens of at most 64 characters", () => {
    fc.assert(
      fc.property(anyIntent, (intent) => {
        expect(clientToken(intent, "create").length).toBeLessThanOrEqual(clientTokenLengthMax);
        expect(clientToken(intent, "create")).not.toBe(clientToken(intent, "associate"));
      }),
    );
  });

  it("share a client token only when owner, index, creation time and generation are the same", () => {
    fc.assert(
      fc.property(anyIntent, anyIntent, (left, right) => {
        const same =
          left.owner === right.owner &&
          left.index === right.index &&
          left.createdAt === right.createdAt &&
          left.generation === right.generation;
        expect(clientToken(left, "create") === clientToken(right, "create")).toBe(same);
      }),
    );
  });

  it("shortens an owner that is longer than a pod UID", () => {
    const intent = { ...sample, owner: "x".repeat(100) };

    expect(clientToken(intent, "create").length).toBeLessThanOrEqual(clientTokenLengthMax);
    expect(clientToken({ ...intent, owner: "x".repeat(101) }, "create")).not.toBe(clientToken(intent, "create"));
  });
});
