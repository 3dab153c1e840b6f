import { describe, expect, test } from "vitest";
import type { PodObject } from "./objects.ts";
import { countOf, isTerminal, requestOf, wantsWindows } from "./requests.ts";

const podEni = "vpc.amazonaws.com/pod-eni";
const container = (request?: string) => ({
  resources: { requests: request === undefined ? null : { [podEni]: request } },
});

test.each<[string | number | undefined, number]>([
  ["1", 1],
  [2, 2],
  ["0", 0],
  ["1k", 1_000],
  ["1Ki", 1_024],
  ["2000m", 2],
  ["1500m", 0],
  ["-1", 0],
  ["one", 0],
  ["", 0],
  [undefined, 0],
])("the quantity %s counts %i", (quantity, expected) => {
  expect(countOf(quantity)).toBe(expected);
});

test("K55: a pod asks for the sum of the requests over its containers", () => {
  expect(requestOf([container("1"), container(), {}, { resources: null }, container("2")])).toBe(3);
  expect(requestOf([{ resources: { limits: { [podEni]: "1" } } }])).toBe(0);
  expect(requestOf(null)).toBe(0);
});

test.each([
  ["Succeeded", true],
  ["Failed", true],
  ["Running", false],
  ["Pending", false],
  [undefined, false],
])("K55: the phase %s is terminal: %s", (phase, expected) => {
  expect(isTerminal(phase)).toBe(expected);
});

describe("a pod for Windows", () => {
  test.each<[string, PodObject["spec"], boolean]>([
    ["by the label of today", { nodeSelector: { "kubernetes.io/os": "windows" } }, true],
    ["by the label of long ago", { nodeSelector: { "beta.kubernetes.io/os": "windows" } }, true],
    ["by its own word", { os: { name: "windows" } }, true],
    ["not by another label", { nodeSelector: { os: "windows" } }, false],
    ["not when it wants Linux", { nodeSelector: { "kubernetes.io/os": "linux" }, os: { name: "linux" } }, false],
    ["not when it says nothing", { nodeSelector: null, os: null }, false],
  ])("is told %s", (_, spec, expected) => {
    expect(wantsWindows({ spec } as PodObject)).toBe(expected);
  });
});
