import { describe, expect, test } from "vitest";
import { findByPath } from "./json-path.ts";

const node = {
  metadata: { labels: { "example.com/role": "web" } },
  spec: { features: [{ name: "a", value: "1" }, { name: "b" }] },
  status: { conditions: [{ type: "Ready", status: "True" }], count: 0 },
};

describe("a printer column's path", () => {
  test.each([
    [".spec.features", [node.spec.features]],
    [".spec.features[*].name", ["a", "b"]],
    [".spec.features[1].name", ["b"]],
    ['.status.conditions[?(@.type=="Ready")].status', ["True"]],
    ['.status.conditions[?(@.type=="Other")].status', []],
    [".metadata.labels['example.com/role']", ["web"]],
    [".metadata.labels.example\\.com/role", ["web"]],
    [".status.count", [0]],
    [".status.nothing", []],
    ["{.status.count}", [0]],
    [".spec[", []],
  ])("%s finds %j", (path, found) => {
    expect(findByPath(node, path)).toEqual(found);
  });
});
