import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { freePort } from "./dynamodb.ts";
import { readPorts } from "./ports.ts";

describe("the ports of the local world", () => {
  it("are any free ones where nothing is said", () => {
    expect(readPorts({})).toEqual({ kubernetes: 0, ec2: 0, sqs: 0, dynamodb: 0 });
  });

  it("come from the environment", () => {
    expect(readPorts({ TRUNKLINE_EC2_PORT: "8080" }).ec2).toBe(8080);
  });

  it.each(["http", "-1", "65536", "1.5", ""])("refuse %j with a line that names the variable", (text) => {
    expect(() => readPorts({ TRUNKLINE_SQS_PORT: text })).toThrow(/^TRUNKLINE_SQS_PORT is ".*" and must be a port/);
  });

  it("name the variable to change when one is in use", async () => {
    const holder = createServer();
    const port = await new Promise<number>((resolve) => {
      holder.listen(0, "127.0.0.1", () => resolve((holder.address() as { port: number }).port));
    });

    const attempt = freePort(port, "DynamoDB", "TRUNKLINE_DYNAMODB_PORT");

    await expect(attempt).rejects.toThrow(
      `port ${port} for DynamoDB is in use: free it, or set TRUNKLINE_DYNAMODB_PORT to another port (0 takes any)`,
    );
    await new Promise((resolve) => holder.close(resolve));
  });
});
