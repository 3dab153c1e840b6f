import { type ChildProcess, execFile, fork, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { generate } from "selfsigned";
import { type Queues, region } from "./queues.ts";
import type { WorldAnswer, WorldRequest } from "./world.ts";

const root = join(import.meta.dirname, "../../..");

/** The world's process. */
export interface World {
  ask<Kind extends WorldAnswer["answer"]>(request: WorldRequest): Promise<Extract<WorldAnswer, { answer: Kind }>>;
  stop(): void;
}

/** Starts the world in a process of its own. */
export const startWorld = (): World => {
  const child = fork(join(import.meta.dirname, "world.ts"), { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        const onExit = () => reject(new Error("the world has ended"));
        child.once("exit", onExit);
        child.once("message", (answer) => {
          child.off("exit", onExit);
          resolve(answer as never);
        });
        child.send(request);
      }),
    stop: () => void child.kill(),
  };
};

/** Memory of a process in MB (10⁶ bytes): now, and the most that it ever was. */
export interface Memory {
  readonly resident: number;
  readonly peak: number;
}

/** The forwarder's process. */
export interface MeasuredForwarder {
  memory(): Promise<Memory>;
  /** Processor time that it has used so far, in seconds. */
  cpuSeconds(): Promise<number>;
  /** Throws when it has ended. */
  check(): void;
  stop(): void;
}

/** Node's flags in the image, so that what is measured is what is shipped. */
const imageFlags = async (): Promise<readonly string[]> => {
  const text = await readFile(join(root, "deploy/image/Dockerfile"), "utf8");
  const command: unknown = JSON.parse(/^CMD (\[.*\])$/m.exec(text)?.[1] ?? "null");
  if (!Array.isArray(command)) throw new Error("the image's Dockerfile has no CMD in JSON");
  return command.map(String).filter((word) => word.startsWith("--"));
};

/**
 * Bundles the real program as the image does, and starts it against a cluster.
 *
 * @param folder an empty one, for the bundle, a kubeconfig and a certificate.
 * @param kubernetes the API server's URL.
 */
export const startProgram = async (folder: string, kubernetes: string, queues: Queues): Promise<MeasuredForwarder> => {
  const bundle = join(folder, "forwarder.mjs");
  await promisify(execFile)(process.execPath, [join(root, "scripts/bundle-forwarder.ts"), bundle]);
  const made = await generate([{ name: "commonName", value: "trunkline-forwarder" }], { keySize: 2048 });
  const [key, cert, kubeconfig] = ["key.pem", "cert.pem", "kubeconfig"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(key, made.private);
  await writeFile(cert, made.cert);
  await writeFile(kubeconfig, kubeconfigOf(kubernetes));
  const child = spawn(process.execPath, [...(await imageFlags()), bundle], {
    cwd: folder,
    env: {
      KUBECONFIG: kubeconfig,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_ENDPOINT_URL_SQS: queues.endpoint,
      TRUNKLINE_CLUSTER: "bench",
      TRUNKLINE_POD_EVENTS_QUEUE_URL: queues.podEvents,
      TRUNKLINE_NODE_EVENTS_QUEUE_URL: queues.nodeEvents,
      TRUNKLINE_OUTCOMES_QUEUE_URL: queues.outcomes,
      TRUNKLINE_ADMISSION_HOST: "127.0.0.1",
      TRUNKLINE_ADMISSION_PORT: "0",
      TRUNKLINE_ADMISSION_CERT: cert,
      TRUNKLINE_ADMISSION_KEY: key,
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const end = () => void child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  return measured(child);
};

const measured = (child: ChildProcess): MeasuredForwarder => ({
  memory: async () => {
    const text = await readFile(`/proc/${child.pid}/status`, "utf8");
    return { resident: megabytes(text, "VmRSS"), peak: megabytes(text, "VmHWM") };
  },
  cpuSeconds: async () => {
    // The fields behind the name, which may hold spaces: user and system time are the 12th and 13th, in hundredths.
    const fields = (await readFile(`/proc/${child.pid}/stat`, "utf8")).split(") ").at(-1)?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  },
  check: () => {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the forwarder has ended with ${child.exitCode ?? child.signalCode}`);
  },
  stop: () => void child.kill("SIGKILL"),
});

const megabytes = (status: string, field: string): number => {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`this system does not tell ${field}: the benchmark needs Linux`);
  return (Number(kibibytes) * 1_024) / 1e6;
};

const kubeconfigOf = (server: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "bench", cluster: { server } }],
    users: [{ name: "bench", user: {} }],
    contexts: [{ name: "bench", context: { cluster: "bench", user: "bench" } }],
    "current-context": "bench",
  });
