import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Duplex } from "node:stream";
import type { Verdict } from "@trunkline/kubernetes";
import type { ForwarderClock } from "../ports/clock.ts";
import { type Log, textOf } from "../ports/log.ts";
import { createBodyReader } from "./body.ts";
import type { KeyPair } from "./certificates/index.ts";
import { type Hook, hooks, type JudgeOptions, judge } from "./judge.ts";
import { type AdmissionRequest, answerOf, parseReview } from "./review.ts";

/** What became of a request. */
export type AdmissionResult = "allowed" | "mutated" | "refused" | "invalid" | "not-ready" | "failed";

export interface AdmissionOptions extends JudgeOptions {
  /** Without one, connections fail until {@link AdmissionServer.renew} brings it. */
  readonly certificate?: KeyPair | undefined;
  /** 0 takes any free one. */
  readonly port: number;
  /** Absent: every address, IPv4 and IPv6. */
  readonly host?: string | undefined;
  readonly log: Log;
  readonly clock: Pick<ForwarderClock, "monotonic" | "after">;
  /** True when the policies are known; before that every request is answered with 503. */
  readonly isReady: () => boolean;
  /** Counts the requests of each webhook. */
  readonly onRequest?: (told: { hook: Hook; result: AdmissionResult; seconds: number }) => void;
  /** How long a request may take to arrive, in milliseconds; default 10 s. */
  readonly requestTimeoutMilliseconds?: number;
  /** Connections at the same time; default 1,000. */
  readonly connectionsMax?: number;
}

export interface AdmissionServer {
  readonly port: number;
  /** Takes a renewed certificate for the connections from now on. Throws when key and certificate do not fit. */
  renew(certificate: KeyPair): void;
  stop(): Promise<void>;
}

/** A request to the API server may have 3 MiB, and a review of a change carries two objects. */
const bodyBytesMax = 7 * 1024 * 1024;
const bodiesBytesMax = 32 * 1024 * 1024;
/** API servers hold 200 changing requests each, and speak HTTP/1.1 with this server. */
const connectionsMax = 1_000;
const requestTimeoutMilliseconds = 10_000;
const checkMilliseconds = 1_000;
/** Longer than the 90 s after which an API server closes a connection that it does not use, so that it is not closed under its request. */
const idleMilliseconds = 120_000;
/** Less than what the webhooks' configurations give an answer, 5 s. */
const lookUpMilliseconds = 3_000;

/** Serves the admission webhooks over HTTPS. */
export const startAdmission = async (options: AdmissionOptions): Promise<AdmissionServer> => {
  const timeout = options.requestTimeoutMilliseconds ?? requestTimeoutMilliseconds;
  const readBody = createBodyReader({ bytesMax: bodyBytesMax, bytesMaxTogether: bodiesBytesMax });
  const judgeWithin: JudgeOptions = { match: options.match, lookUpServiceAccount: boundedLookUp(options) };
  const server = createServer(
    {
      ...options.certificate,
      requestTimeout: timeout,
      headersTimeout: timeout,
      handshakeTimeout: timeout,
      keepAliveTimeout: idleMilliseconds,
      connectionsCheckingInterval: Math.min(checkMilliseconds, timeout),
    },
    (request, response) => void serve(request, response, { ...options, ...judgeWithin, readBody }),
  );
  server.maxConnections = options.connectionsMax ?? connectionsMax;
  // Connections whose handshake has not ended are none of HTTP's yet, and would hold up the stop.
  const sockets = new Set<Duplex>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: portOf(server),
    renew: (certificate) => server.setSecureContext(certificate),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
};

const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
};

/** The webhook's time is short: an API server that does not answer in it is one that cannot tell. */
const boundedLookUp =
  ({ lookUpServiceAccount, clock }: AdmissionOptions): JudgeOptions["lookUpServiceAccount"] =>
  (namespace, name) =>
    new Promise((resolve, reject) => {
      const cancel = clock.after(lookUpMilliseconds, () => reject(new Error("the API server does not answer")));
      lookUpServiceAccount(namespace, name).then(resolve, reject).finally(cancel);
    });

interface Serving extends AdmissionOptions {
  readonly readBody: ReturnType<typeof createBodyReader>;
}

const isHook = (path: string): path is Hook => (hooks as readonly string[]).includes(path);

/** Answers one request, whatever it is. Never rejects. */
const serve = async (request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> => {
  const { log, clock } = serving;
  const path = request.url?.split("?")[0] ?? "";
  if (!isHook(path)) return reply(response, 404, { message: `the webhooks are ${hooks.join(", ")}` });
  const started = clock.monotonic();
  let result: AdmissionResult = "failed";
  try {
    result = await answer(path, request, response, serving);
  } catch (problem) {
    log("error", "An admission request failed.", { path, problem: textOf(problem) });
    reply(response, 500, { message: "internal error" });
  }
  serving.onRequest?.({ hook: path, result, seconds: (clock.monotonic() - started) / 1_000 });
};

const answer = async (
  hook: Hook,
  request: IncomingMessage,
  response: ServerResponse,
  serving: Serving,
): Promise<AdmissionResult> => {
  const refuse = (status: number, message: string): AdmissionResult => {
    reply(response, status, { message });
    return status === 503 ? "not-ready" : "invalid";
  };
  if (request.method !== "POST") return refuse(405, "only POST");
  if (!serving.isReady()) return refuse(503, "the policies are not known yet");
  if (!/^application\/json *(;|$)/i.test(request.headers["content-type"] ?? "")) {
    return refuse(415, "the content type must be application/json");
  }
  const body = await serving.readBody(request);
  if (body.result === "broken") return "invalid";
  if (body.result === "too-long") return refuse(413, `an AdmissionReview has at most ${bodyBytesMax} bytes`);
  if (body.result === "busy") return refuse(503, "too many large requests at once");
  const review = parseReview(body.text);
  if (!review.ok) return refuse(400, review.problem);
  const verdict = await judge(hook, review.request, serving);
  if (!verdict.allowed) logRefusal(hook, review.request, verdict.reason, serving.log);
  reply(response, 200, answerOf(review.request.uid, verdict));
  return resultOf(verdict);
};

const resultOf = (verdict: Verdict): AdmissionResult => {
  if (!verdict.allowed) return verdict.code === 400 ? "invalid" : "refused";
  return verdict.patch.length === 0 ? "allowed" : "mutated";
};

const logRefusal = (hook: Hook, request: AdmissionRequest, reason: string, log: Log): void =>
  log("info", "An admission request is refused.", {
    hook,
    operation: request.operation,
    namespace: request.namespace,
    user: request.userInfo?.username,
    reason,
  });

const reply = (response: ServerResponse, status: number, body: unknown): void => {
  if (response.headersSent || response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    // A body that was not read to its end leaves the connection of no use.
    ...(response.req.complete ? {} : { connection: "close" }),
  });
  response.end(text);
};
