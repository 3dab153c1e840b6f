import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { EC2Client } from "@aws-sdk/client-ec2";
import { branded, type ClusterName, type EniId, type InstanceId, type Intent, type SubnetId } from "@trunkline/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createEc2Client } from "./client.ts";
import { createEc2 } from "./ec2.ts";

const intent: Intent = {
  cluster: branded<ClusterName>("blue"),
  instanceId: branded<InstanceId>("i-0123456789abcdef0"),
  owner: "16fd2706-8baf-433b-82eb-8c7fada847da",
  index: 0,
  createdAt: Date.UTC(2026, 10, 20),
  generation: 1,
};
const eniId = branded<EniId>("eni-0123456789abcdef0");
const subnetId = branded<SubnetId>("subnet-0123456789abcdef0");

/** What the server answers, and the forms that it received. */
let answer: { status: number; body: string };
let received: URLSearchParams[];
let server: Server;
let ec2: ReturnType<typeof createEc2>;

const errorBody = (code: string) =>
  `<Response><Errors><Error><Code>${code}</Code><Message>No.</Message></Error></Errors><RequestID>r</RequestID></Response>`;

beforeEach(async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  received = [];
  server = createServer(async (request, response) => {
    let form = "";
    for await (const chunk of request) form += chunk;
    received.push(new URLSearchParams(form));
    if (answer.status === 0) request.socket.destroy();
    else response.writeHead(answer.status, { "content-type": "text/xml" }).end(answer.body);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  ec2 = createEc2({ client: createEc2Client({ region: "us-west-2", endpoint }), deployment: "trunkline-test" });
});

afterEach(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
});

describe("calls of EC2", () => {
  test("a throttled call is attempted once and told as a value", async () => {
    answer = { status: 503, body: errorBody("RequestLimitExceeded") };

    const result = await ec2.deleteEni(eniId);

    expect(result).toMatchObject({ ok: false, failure: { remedy: "throttled", action: "DeleteNetworkInterface" } });
    expect(received).toHaveLength(1);
  });

  test("a server error is attempted once", async () => {
    answer = { status: 500, body: errorBody("InternalError") };

    expect(await ec2.describeEni(eniId)).toMatchObject({ ok: false, failure: { remedy: "repeat" } });
    expect(received).toHaveLength(1);
  });

  test("a connection that breaks is attempted once and told as a value", async () => {
    answer = { status: 0, body: "" };

    const result = await ec2.deleteEni(eniId);

    expect(result).toMatchObject({ ok: false, failure: { remedy: "repeat", code: "ECONNRESET" } });
    expect(received).toHaveLength(1);
  });

  test("a client that repeats calls by itself is refused", async () => {
    const client = new EC2Client({ region: "us-west-2", maxAttempts: 3 });

    await expect(createEc2({ client, deployment: "d" }).deleteEni(eniId)).rejects.toThrow("maxAttempts: 1");
  });

  test("an ENI without security groups is never asked for", async () => {
    const request = { intent, subnetId, securityGroups: [] };

    expect(() => ec2.createTrunkEni(request)).toThrow("default group");
    expect(received).toHaveLength(0);
  });

  test("an answer that lacks what EC2 always tells is a bug and thrown", async () => {
    answer = { status: 200, body: "<AttachNetworkInterfaceResponse></AttachNetworkInterfaceResponse>" };

    await expect(ec2.attach({ eniId, instanceId: intent.instanceId, deviceIndex: 2 })).rejects.toThrow(
      "EC2 answered without an attachment ID.",
    );
  });

  test("listing names the owner's tag and a page size", async () => {
    answer = { status: 200, body: "<DescribeNetworkInterfacesResponse></DescribeNetworkInterfacesResponse>" };

    expect(await ec2.listOurs()).toStrictEqual({ ok: true, value: { elements: [] } });
    expect(Object.fromEntries(received[0] ?? [])).toMatchObject({
      "Filter.1.Name": "tag:trunkline:owner",
      "Filter.1.Value.1": "trunkline-test",
      MaxResults: "1000",
    });
  });

  test("a search that never ends is a bug and thrown", async () => {
    answer = {
      status: 200,
      body: "<DescribeNetworkInterfacesResponse><nextToken>more</nextToken></DescribeNetworkInterfacesResponse>",
    };

    await expect(ec2.findByIntent(intent)).rejects.toThrow("More than 5000");
    expect(received).toHaveLength(5);
  });

  test("groups are asked for by filter, and not at all when there are none", async () => {
    expect(await ec2.describeGroups([])).toStrictEqual({ ok: true, value: [] });
    expect(received).toHaveLength(0);
  });
});
