import { createServer, type Server, type ServerResponse } from "node:http";
import type { Prometheus } from "./prometheus.ts";

/** One thing that must be so; undefined when it is, else why it is not. */
export interface Check {
  readonly name: string;
  readonly problem: () => string | undefined;
  /** Only shown: it has no part in the answer. */
  readonly isOnlyShown?: boolean;
}

export interface OperationsOptions {
  /** Absent: every address, IPv4 and IPv6. */
  readonly host?: string | undefined;
  /** 0 takes any free one. */
  readonly port: number;
  /** What makes kubelet start the process anew when it fails. */
  readonly health: readonly Check[];
  /** What keeps requests away while it fails. */
  readonly readiness: readonly Check[];
  readonly prometheus: Pick<Prometheus, "text" | "contentType">;
  /** Called before metrics are told, for what is counted only then. */
  readonly collect: () => void;
}

export interface OperationsServer {
  readonly port: number;
  stop(): Promise<void>;
}

const requestTimeoutMilliseconds = 5_000;
const connectionsMax = 64;

/** Serves `/healthz`, `/readyz` and `/metrics` over plain HTTP, for kubelet and Prometheus; rejects when the port is taken. */
export const startOperations = async (options: OperationsOptions): Promise<OperationsServer> => {
  const server = createServer((request, response) => {
    // Whoever reaches the port chooses the target, and one that is no URL must not end the process.
    const url = URL.parse(request.url ?? "/", "http://operations");
    if (request.method !== "GET" && request.method !== "HEAD") return reply(response, 405, "only GET\n");
    switch (url?.pathname) {
      case "/healthz":
        return tell(response, options.health, url.searchParams.has("verbose"));
      case "/readyz":
        return tell(response, options.readiness, url.searchParams.has("verbose"));
      case "/metrics":
        return void tellMetrics(response, options);
      default:
        return reply(response, 404, "only /healthz, /readyz and /metrics\n");
    }
  });
  server.requestTimeout = requestTimeoutMilliseconds;
  server.headersTimeout = requestTimeoutMilliseconds;
  server.maxConnections = connectionsMax;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: portOf(server),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
};

/** The form is that of the API server: https://kubernetes.io/docs/reference/using-api/health-checks/. */
const tell = (response: ServerResponse, checks: readonly Check[], isVerbose: boolean): void => {
  const results = checks.map((check) => ({ ...check, found: check.problem() }));
  const isOk = results.every(({ found, isOnlyShown }) => found === undefined || isOnlyShown === true);
  const lines = results.map(({ name, found, isOnlyShown }) => {
    if (found === undefined) return `[+]${name} ok`;
    return isOnlyShown === true ? `[!]${name}: ${found}` : `[-]${name} failed: ${found}`;
  });
  const body = isOk && !isVerbose ? "ok\n" : `${[...lines, isOk ? "ok" : "not ok"].join("\n")}\n`;
  reply(response, isOk ? 200 : 503, body);
};

const tellMetrics = async (response: ServerResponse, { prometheus, collect }: OperationsOptions): Promise<void> => {
  try {
    collect();
    reply(response, 200, await prometheus.text(), prometheus.contentType);
  } catch {
    reply(response, 500, "the metrics cannot be told\n");
  }
};

const reply = (response: ServerResponse, status: number, text: string, type = "text/plain; charset=utf-8"): void => {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text) });
  response.end(text);
};
