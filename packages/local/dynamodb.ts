import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { explainPort, StartFailure } from "./failure.ts";

/** A DynamoDB server that somebody else may be running. */
export interface DynamodbServer {
  readonly url: string;
  stop(): Promise<void>;
}

const binary = fileURLToPath(new URL("../../node_modules/@dynoxide/linux-x64/dynoxide", import.meta.url));
const startTimeoutMilliseconds = 10_000;
const existingTimeoutMilliseconds = 5_000;

/** Finds a free port, or makes sure that the wanted one is free. */
export async function freePort(wanted: number, what: string, variable: string): Promise<number> {
  const probe = createServer();
  return await new Promise((resolve, reject) => {
    probe.once("error", (error) => reject(explainPort(error, what, variable, wanted)));
    probe.listen(wanted, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address ? address.port : wanted;
      probe.close(() => resolve(port));
    });
  });
}

/**
 * Starts dynoxide, a DynamoDB server in one binary, with its tables in memory.
 *
 * @param options - `endpoint` names a server that runs already and is only used; `port` 0 takes any free one.
 * @throws StartFailure when there is no binary for this platform or the port is taken.
 */
export async function startDynamodb(options: { endpoint?: string | undefined; port: number }): Promise<DynamodbServer> {
  if (options.endpoint) return await existing(options.endpoint);
  if (!existsSync(binary))
    throw new StartFailure(
      `no DynamoDB server for ${process.platform}-${process.arch}: start DynamoDB Local and set DYNAMODB_ENDPOINT (for example http://127.0.0.1:8000)`,
    );
  const port = await freePort(options.port, "DynamoDB", "TRUNKLINE_DYNAMODB_PORT");
  const child = spawn(binary, ["--port", String(port)], { stdio: ["ignore", "ignore", "pipe"] });
  // However this process ends, it leaves no server behind.
  const endWithUs = () => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  const stop = async () => {
    process.off("exit", endWithUs);
    await ended(child);
  };
  try {
    await listening(child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://127.0.0.1:${port}`, stop };
}

/** A server of somebody else. Any answer will do: what it says to a bare request differs from server to server. */
async function existing(endpoint: string): Promise<DynamodbServer> {
  try {
    await fetch(endpoint, { signal: AbortSignal.timeout(existingTimeoutMilliseconds) });
  } catch {
    throw new StartFailure(
      `no DynamoDB server answers at ${endpoint}: start one there, or unset DYNAMODB_ENDPOINT for the embedded one`,
    );
  }
  return { url: endpoint, stop: async () => {} };
}

async function listening(child: ChildProcess): Promise<void> {
  let said = "";
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(error);
    };
    const timer = setTimeout(() => fail(new Error(`dynoxide did not start: ${said}`)), startTimeoutMilliseconds);
    child.once("error", fail);
    child.once("exit", (code) => fail(new Error(`dynoxide ended with ${code}: ${said}`)));
    child.stderr?.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2_000);
      if (!/listening/i.test(said)) return;
      clearTimeout(timer);
      child.removeAllListeners("exit");
      resolve();
    });
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    // On SIGTERM it waits for its clients to close their connections. Its tables are in memory: nothing is lost.
    child.kill("SIGKILL");
  });
}
