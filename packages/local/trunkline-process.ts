import { type ChildProcess, fork } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Overrides } from "./function-environment.ts";

const main = fileURLToPath(new URL("./trunkline-main.ts", import.meta.url));
const startTimeoutMilliseconds = 60_000;
const stopTimeoutMilliseconds = 15_000;

/** Trunkline in a process of its own, so that it can be killed while the world goes on. */
export interface TrunklineProcess {
  readonly pid: number;
  /** Ends it in good order. */
  stop(): Promise<void>;
  /** Ends it in the middle of whatever it does. */
  kill(): Promise<void>;
}

/**
 * Starts Trunkline as a child process and resolves when it serves.
 *
 * @param options - `folder` holds `world.json`; what the process says goes to `trunkline.log` there.
 */
export async function forkTrunkline(options: {
  folder: string;
  overrides?: Overrides | undefined;
  kubeconfig?: string | undefined;
}): Promise<TrunklineProcess> {
  await mkdir(options.folder, { recursive: true });
  const child = fork(
    main,
    [
      ...["--world", join(options.folder, "world.json")],
      ...["--overrides", JSON.stringify(options.overrides ?? {})],
      ...(options.kubeconfig ? ["--kubeconfig", options.kubeconfig] : []),
    ],
    { stdio: ["ignore", "pipe", "pipe", "ipc"] },
  );
  const log = createWriteStream(join(options.folder, "trunkline.log"), { flags: "a" });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  await ready(child, join(options.folder, "trunkline.log"));
  return {
    pid: child.pid ?? 0,
    stop: () => end(child, "SIGTERM"),
    kill: () => end(child, "SIGKILL"),
  };
}

async function ready(child: ChildProcess, log: string): Promise<void> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  await new Promise<void>((resolve, reject) => {
    const fail = (what: string) => reject(new Error(`Trunkline ${what}; its log is ${log}\n${said}`));
    const timer = setTimeout(() => fail("did not start in time"), startTimeoutMilliseconds);
    child.once("exit", (code) => {
      clearTimeout(timer);
      fail(`ended with ${code}`);
    });
    child.once("message", () => {
      clearTimeout(timer);
      child.removeAllListeners("exit");
      resolve();
    });
  });
}

async function end(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMilliseconds);
  await new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.kill(signal);
  });
  clearTimeout(timer);
}
