import fc from "fast-check";
import { expect, test } from "vitest";
import { createLineReader } from "./lines.ts";

const read = (pieces: readonly Buffer[], lineBytesMax = 1_000) => {
  const lines: string[] = [];
  const reader = createLineReader(lineBytesMax, (line) => lines.push(line));
  return { lines, fits: pieces.every((piece) => reader.read(piece)) };
};

test("lines are the same wherever the stream is cut, inside characters too", () => {
  const line = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => !text.includes("\n"));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat()), (lines, cuts) => {
      const whole = Buffer.from(lines.map((text) => `${text}\n`).join(""));
      const places = [...new Set([0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length])];
      const ends = places.toSorted((left, right) => left - right);
      const pieces = ends.slice(1).map((end, index) => whole.subarray(ends[index], end));

      expect(read(pieces).lines).toEqual(lines);
    }),
  );
});

test("half a line at the end is never told", () => {
  expect(read([Buffer.from('{"a":1}\n{"b":2}')]).lines).toEqual(['{"a":1}']);
});

test("empty lines are left out", () => {
  expect(read([Buffer.from("\n\na\n\n")]).lines).toEqual(["a"]);
});

test.each([
  ["in one piece", ["123456\n"]],
  ["in two", ["1234", "56"]],
  ["that ends in the second", ["1234", "56\n"]],
])("a line that is too long %s is refused", (_, pieces) => {
  expect(
    read(
      pieces.map((text) => Buffer.from(text)),
      5,
    ),
  ).toEqual({ lines: [], fits: false });
  expect(
    read(
      pieces.map((text) => Buffer.from(text)),
      6,
    ).fits,
  ).toBe(true);
});
