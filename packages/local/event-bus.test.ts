import { instanceEventPattern } from "@trunkline/runtime/names";
import { describe, expect, it } from "vitest";
import { matchesPattern } from "./event-bus.ts";

const stateChange = (state: string, source = "aws.ec2") => ({
  source,
  "detail-type": "EC2 Instance State-change Notification",
  detail: { "instance-id": "i-0123456789abcdef0", state },
});

describe("the deployed event pattern", () => {
  it.each(["shutting-down", "terminated"])("lets the state %s through", (state) => {
    expect(matchesPattern(stateChange(state), instanceEventPattern)).toBe(true);
  });

  it.each(["pending", "running", "stopped"])("keeps the state %s out", (state) => {
    expect(matchesPattern(stateChange(state), instanceEventPattern)).toBe(false);
  });

  it("keeps out events of another source and events without detail", () => {
    expect(matchesPattern(stateChange("terminated", "my.app"), instanceEventPattern)).toBe(false);
    expect(matchesPattern({ source: "aws.ec2" }, instanceEventPattern)).toBe(false);
  });
});
