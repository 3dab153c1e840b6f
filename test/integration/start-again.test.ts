import { branded, type TrunkRecord } from "@trunkline/core";
import type { Ec2State } from "@trunkline/emulator-ec2";
import { startDynamodb } from "@trunkline/local/dynamodb";
import { expect, test, vi } from "vitest";
import { enablePodEni, startLocalWorld, withoutDelay } from "../support/local-world.ts";

/** Plays a world on a DynamoDB server until its node has a trunk ENI. @returns what the ledger has of the trunk. */
const play = async (dynamodbEndpoint: string): Promise<TrunkRecord | undefined> => {
  let instanceId = "";
  const local = await startLocalWorld({
    dynamodbEndpoint,
    ec2: withoutDelay,
    prepare: async ({ addNodes }) => {
      [instanceId = ""] = await addNodes(1, "m5.large");
    },
  });
  try {
    await enablePodEni(local.administrator);
    const attached = () => local.world.ec2.model().state().networkInterfaces.filter(isTrunk).map(instanceOf);
    await vi.waitFor(() => expect(attached()).toEqual([instanceId]), { timeout: 15_000, interval: 50 });
    return (await local.ledger.load(branded(instanceId))).trunk;
  } finally {
    await local.stop();
  }
};

type Interface = Ec2State["networkInterfaces"][number];
const isTrunk = ({ InterfaceType }: Interface) => InterfaceType === "trunk";
const instanceOf = ({ Attachment }: Interface) => Attachment?.InstanceId;

test("a world that follows another on the same DynamoDB server knows nothing of it, although its instances have the same IDs", async () => {
  const dynamodb = await startDynamodb({ port: 0 });
  try {
    const before = await play(dynamodb.url);
    const begun = Date.now();
    const after = await play(dynamodb.url);

    expect(after?.instanceId).toBe(before?.instanceId);
    expect(after?.createdAt).toBeGreaterThan(begun);
  } finally {
    await dynamodb.stop();
  }
});
