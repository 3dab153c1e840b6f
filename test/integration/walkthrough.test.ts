import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { playWalkthrough, walkthrough } from "@trunkline/local/walkthrough";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ports = { kubernetes: 0, ec2: 0, sqs: 0, dynamodb: 0 };
const silent = { begins: () => {}, ends: () => {} };

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "walkthrough-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("the walk-through", () => {
  it("holds from the first node to the last orphan", async () => {
    const { results, summary } = await playWalkthrough({ folder, ports, audience: silent });

    expect(results.filter(({ unmet }) => unmet !== undefined)).toEqual([]);
    expect(results).toHaveLength(walkthrough.length);
    expect(summary).toMatch(/ENIs of ours left +0\n/);
    expect(summary).toContain(`All ${walkthrough.length} steps hold.`);
  });

  it("names the step and the expectation when a rule is broken, and stops there", async () => {
    const { results, summary } = await playWalkthrough({
      folder,
      ports,
      audience: silent,
      prepare: ({ ec2, facts }) => {
        ec2.model().perform("RevokeSecurityGroupIngress", {
          GroupId: facts.databaseGroupId,
          IpPermissions: [
            { IpProtocol: "tcp", FromPort: 5432, ToPort: 5432, UserIdGroupPairs: [{ GroupId: facts.podGroupId }] },
          ],
        });
      },
    });

    expect(results).toHaveLength(4);
    expect(results[3]?.title).toBe("Green reaches the database, red does not");
    expect(results[3]?.unmet).toMatch(/^green logs "Database connection successful": not within 15 s; found /);
    expect(summary).toContain("Step 4 of 12 does not hold: Green reaches the database, red does not: green logs");
  });
});
