import type { EC2Client } from "@aws-sdk/client-ec2";
import type { Ec2Action, Ec2Result } from "@trunkline/core";
import { failureOf } from "./errors.ts";

/** Makes one call and reads what came of it. */
export type Call = <Output, Value>(
  action: Ec2Action,
  send: (client: EC2Client) => Promise<Output>,
  read: (output: Output) => Value,
) => Promise<Ec2Result<Value>>;

/**
 * Calls of EC2 whose failures are values.
 *
 * @throws Error when the client would repeat calls by itself, or when what failed is not EC2 but the program.
 */
export const createCall =
  (client: EC2Client): Call =>
  async (action, send, read) => {
    if ((await client.config.maxAttempts()) !== 1) {
      throw new Error("The EC2 client must be created with maxAttempts: 1, because every attempt costs a token.");
    }
    try {
      return { ok: true, value: read(await send(client)) };
    } catch (error) {
      const failure = failureOf(action, error);
      if (failure === undefined) throw error;
      return { ok: false, failure };
    }
  };

/** A describe of one ID: that it does not exist is an answer, and no failure. */
export const absentWhen = <Value>(code: string, result: Ec2Result<Value>): Ec2Result<Value | undefined> =>
  !result.ok && result.failure.code === code ? { ok: true, value: undefined } : result;

/** What EC2 always answers with; its absence is a fault of the other side that no caller can act upon. */
export const present = <Value>(value: Value | undefined, what: string): Value => {
  if (value === undefined) throw new Error(`EC2 answered without ${what}.`);
  return value;
};
