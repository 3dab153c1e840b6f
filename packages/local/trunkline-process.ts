import { type ChildProcess, fork } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { failurePrefix, StartFailure } from "./failure.ts";
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
  admissionHost?: string | undefined;
}): Promise<TrunklineProcess> {
  await mkdir(options.folder, { recursive: true });
  const child = fork(
    main,
    [
      ...["--world", join(options.folder, "world.json")],
      ...["--overrides", JSON.stringify(options.overrides ?? {})],
      ...(options.kubeconfig ? ["--kubeconfig", options.kubeconfig] : []),
      ...(options.admissionHost ? ["--admission-host", options.admissionHost] : []),
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

/** Resolves when the process serves; ends it when it does not in time. */
async function ready(child: ChildProcess, log: string): Promise<void> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  const answer = await new Promise<"ready" | "late" | number | null>((resolve) => {
    const timer = setTimeout(() => resolve("late"), startTimeoutMilliseconds);
    const settle = (how: "ready" | number | null) => {
      clearTimeout(timer);
      resolve(how);
    };
    child.once("message", () => settle("ready"));
    child.once("close", (code) => settle(code));
  });
  child.removeAllListeners("close");
  if (answer === "ready") return;
  if (answer === "late") await end(child, "SIGKILL");
  const [line] = said.split("\n").filter((each) => each.startsWith(failurePrefix));
  if (line !== undefined) throw new StartFailure(line.slice(failurePrefix.length));
  const how = answer === "late" ? "did not start in time" : `ended with ${answer}`;
  throw new Error(`Trunkline ${how}; its log is ${log}\n${said}`);
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
