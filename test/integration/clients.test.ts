import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { forkTrunkline, startWorld, type TrunklineProcess, type World, writeWorldFiles } from "@trunkline/local";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readRecordings } from "../support/recording/recording.ts";
import { replay } from "../support/recording/replay.ts";

/**
 * What stock `kubectl` and `aws` sent, sent again: the clients are not needed for it. Each command goes on where the one
 * before it ended, as it did for the person who typed them.
 */
const recordings = await readRecordings();
const values = new Map<string, string>();

let folder: string;
let world: World;
let trunkline: TrunklineProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "clients-"));
  world = await startWorld({
    region: "us-west-2",
    cluster: "demo",
    ports: { kubernetes: 0, ec2: 0, sqs: 0, dynamodb: 0 },
    nodes: { count: 2, instanceType: "m5.large" },
    onError: () => {},
  });
  await writeWorldFiles(folder, world.facts);
  trunkline = await forkTrunkline({ folder });
  for (const [name, fact] of Object.entries(world.facts)) values.set(name, String(fact));
});

afterAll(async () => {
  await trunkline?.stop();
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe.each(recordings)("$title", ({ commands }) => {
  test.each(commands)("$command", async (command) => {
    const { kubernetes, ec2 } = world.facts;
    const comparisons = await replay(command, { servers: { kubernetes, ec2 }, values });

    expect(comparisons).not.toEqual([]);
    for (const { request, recorded, answered } of comparisons) expect(answered, request).toEqual(recorded);
  });
});
