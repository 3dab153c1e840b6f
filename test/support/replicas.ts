import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubernetesEmulator } from "@trunkline/emulator-kubernetes";
import { vi } from "vitest";
import { type ClusterQueues, queueRegion, startClusterQueues } from "./cluster-queues.ts";
import { forwarderToken, startForwarderCluster } from "./forwarder-cluster.ts";

/** Durations of the election in these tests, in seconds: the shortest that the program takes. */
export const shortLease = { leaseSeconds: 3, renewSeconds: 2, retrySeconds: 1 } as const;

/** One replica: the program as it is deployed, in a process of its own. */
export interface ReplicaProgram {
  readonly name: string;
  /** The lines of its log. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
  signal(name: "SIGTERM" | "SIGKILL" | "SIGUSR2"): void;
  /** The answer of its operations server. */
  ask(path: string): Promise<{ readonly status: number; readonly text: string }>;
  isReady(): Promise<boolean>;
  isLeader(): Promise<boolean>;
  /** Breaks its connections to the API server and lets no new ones through. */
  cutOff(): void;
  mend(): void;
}

/** An emulated cluster with queues, on which replicas come and go. */
export interface ReplicaWorld {
  readonly kubernetes: KubernetesEmulator;
  readonly queues: ClusterQueues;
  /** The replica to which the Service leads at the moment. */
  servedBy(): string | undefined;
  /** Starts a replica; resolves when it is ready. */
  add(name: string, variables?: Readonly<Record<string, string>>): Promise<ReplicaProgram>;
  stop(): Promise<void>;
}

/** As often as the endpoints of the Service follow the readiness of the replicas. */
const endpointMilliseconds = 100;

/** Starts the cluster. Its Service leads to a replica that said lately that it is ready, as kubelet and endpoints would have it. */
export const startReplicaWorld = async (): Promise<ReplicaWorld> => {
  const replicas: (ReplicaProgram & { readonly admissionPort: number; stop(): Promise<void> })[] = [];
  let endpoint: { readonly name: string; readonly admissionPort: number } | undefined;
  const cluster = await startForwarderCluster({ admissionPort: () => endpoint?.admissionPort });
  const queues = await startClusterQueues();
  const folder = await mkdtemp(join(tmpdir(), "trunkline-replicas-"));
  const { key, cert } = cluster.certificate;
  const certificate = { key: join(folder, "tls.key"), cert: join(folder, "tls.crt") };
  await writeFile(certificate.key, key);
  await writeFile(certificate.cert, cert);
  let isAdmissionInstalled = false;

  const choose = async (): Promise<void> => {
    const ready = await Promise.all(replicas.map((replica) => replica.isReady()));
    endpoint = replicas.find((_, index) => ready[index]);
  };
  const endpoints = setInterval(() => void choose(), endpointMilliseconds);

  const add: ReplicaWorld["add"] = async (name, variables = {}) => {
    const gate = await startGate(cluster.kubernetes.port);
    const kubeConfig = join(folder, `${name}.kubeconfig`);
    await writeFile(kubeConfig, kubeConfigFor(gate.port));
    const replica = await runReplica(name, {
      KUBECONFIG: kubeConfig,
      TRUNKLINE_ADMISSION_CERT: certificate.cert,
      TRUNKLINE_ADMISSION_KEY: certificate.key,
      ...variablesFor(queues),
      ...variables,
    });
    const told = Object.assign(replica, {
      cutOff: gate.close,
      mend: gate.open,
      stop: async () => {
        replica.signal("SIGKILL");
        await replica.ended;
        await gate.stop();
      },
    });
    replicas.push(told);
    await vi.waitFor(
      async () => {
        if (!(await told.isReady())) throw new Error(`${name} is not ready: ${JSON.stringify(told.lines.slice(-3))}`);
      },
      { timeout: 20_000, interval: 50 },
    );
    await choose();
    if (!isAdmissionInstalled) await cluster.installAdmission();
    isAdmissionInstalled = true;
    return told;
  };

  return {
    kubernetes: cluster.kubernetes,
    queues,
    servedBy: () => endpoint?.name,
    add,
    stop: async () => {
      clearInterval(endpoints);
      for (const replica of replicas) await replica.stop();
      await cluster.kubernetes.stop();
      await queues.stop();
      await rm(folder, { recursive: true });
    },
  };
};

/** The server's URLs name a host that is none. */
const withHost = (url: string, endpoint: string): string => url.replace(/^https?:\/\/[^/]+/, endpoint);

const variablesFor = ({ urls, endpoint }: ClusterQueues): Record<string, string> => ({
  PATH: process.env.PATH ?? "",
  TRUNKLINE_CLUSTER: "test",
  TRUNKLINE_POD_EVENTS_QUEUE_URL: withHost(urls.podEvents, endpoint),
  TRUNKLINE_NODE_EVENTS_QUEUE_URL: withHost(urls.nodeEvents, endpoint),
  TRUNKLINE_OUTCOMES_QUEUE_URL: withHost(urls.outcomes, endpoint),
  AWS_REGION: queueRegion,
  AWS_ENDPOINT_URL_SQS: endpoint,
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  TRUNKLINE_ADMISSION_HOST: "127.0.0.1",
  TRUNKLINE_ADMISSION_PORT: "0",
  TRUNKLINE_OPERATIONS_HOST: "127.0.0.1",
  TRUNKLINE_OPERATIONS_PORT: "0",
  TRUNKLINE_LEASE_SECONDS: String(shortLease.leaseSeconds),
  TRUNKLINE_LEASE_RENEW_SECONDS: String(shortLease.renewSeconds),
  TRUNKLINE_LEASE_RETRY_SECONDS: String(shortLease.retrySeconds),
  TRUNKLINE_SHUTDOWN_DRAIN_SECONDS: "1",
});

const kubeConfigFor = (port: number): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "forwarder" } }],
    clusters: [{ name: "test", cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: "forwarder", user: { token: forwarderToken } }],
  });

const program = join(import.meta.dirname, "../../packages/forwarder/main.ts");

/** Resolves when the program listens; rejects with what it said when it ends before. */
const runReplica = async (name: string, variables: Readonly<Record<string, string>>) => {
  const child = spawn(process.execPath, [program], {
    env: { ...variables, POD_NAME: name },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: Record<string, unknown>[] = [];
  let rest = "";
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  child.stdout.on("data", (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) lines.push(JSON.parse(part) as Record<string, unknown>);
  });
  const ended = new Promise<number | string | null>((resolve) => {
    child.once("close", (code, signal) => resolve(code ?? signal));
  });
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  const failed = ended.then((code) => {
    throw new Error(`${name} has ended with ${code}: ${errors}`);
  });
  const listens = vi.waitFor(
    () => {
      const line = lines.find(({ message }) => message === "The forwarder listens.");
      if (line === undefined) throw new Error(`${name} does not listen yet: ${errors}`);
      return line as { admissionPort: number; operationsPort: number };
    },
    { timeout: 20_000, interval: 20 },
  );
  const listening = await Promise.race([listens, failed]);
  failed.catch(() => {});
  const ask: ReplicaProgram["ask"] = async (path) => {
    const answer = await fetch(`http://127.0.0.1:${listening.operationsPort}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  return {
    name,
    lines,
    ended,
    admissionPort: listening.admissionPort,
    signal: (signal: "SIGTERM" | "SIGKILL" | "SIGUSR2") => void child.kill(signal),
    ask,
    isReady: async () => !isOver && (await ask("/readyz").catch(() => undefined))?.status === 200,
    isLeader: async () =>
      !isOver && (await ask("/metrics").catch(() => undefined))?.text.includes(`${leading} 1\n`) === true,
  };
};

const leading = 'leader_election_master_status{name="trunkline-forwarder"}';

/** A way to a port of this machine that can be closed. */
const startGate = async (target: number) => {
  let isOpen = true;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    return socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer((incoming) => {
    if (!isOpen) {
      incoming.destroy();
      return;
    }
    const outgoing = keep(connect(target, "127.0.0.1"));
    keep(incoming).pipe(outgoing).pipe(incoming);
    incoming.on("close", () => outgoing.destroy());
    outgoing.on("close", () => incoming.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): void => {
    isOpen = false;
    for (const socket of sockets) socket.destroy();
  };
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    close,
    open: () => {
      isOpen = true;
    },
    stop: async () => {
      close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
