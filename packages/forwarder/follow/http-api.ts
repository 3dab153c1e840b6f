import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import type { ApiAnswer, ApiRequest, KubernetesApi, WatchEnding } from "../ports/api.ts";
import { createLineReader } from "./lines.ts";

/** How long a server may be silent in the middle of a request. */
const silenceMilliseconds = 30_000;
/** How long a request may take in all; an API server gives up after a minute itself. */
const requestMilliseconds = 90_000;
/** A list page of 500 pods is about 5 MB; a server that sends more than this is not read to the end. */
const bodyBytesMax = 64 * 1024 * 1024;
/** An object in etcd has 1.5 MB at most; a watch tells one a line. */
const lineBytesMax = 8 * 1024 * 1024;
const socketsMax = 64;

/**
 * The API server that a kubeconfig names, over plain HTTP or HTTPS. Credentials are taken from the kubeconfig for every
 * request, because tokens of service accounts are renewed on disk.
 */
export const createHttpApi = (kubeConfig: KubeConfig): KubernetesApi & { close(): void } => {
  const server = kubeConfig.getCurrentCluster()?.server;
  if (server === undefined) throw new Error("The kubeconfig names no current cluster.");
  const base = new URL(server);
  const credentials = base.protocol === "http:" ? withoutTls(kubeConfig) : kubeConfig;
  const isHttps = base.protocol === "https:";
  const agent = isHttps
    ? new HttpsAgent({ keepAlive: true, maxSockets: socketsMax })
    : new HttpAgent({ keepAlive: true, maxSockets: socketsMax });

  const open = async (request: ApiRequest, body: string | undefined): Promise<ClientRequest> => {
    const options: RequestOptions = { headers: {} };
    await credentials.applyToHTTPSOptions(options);
    return (isHttps ? httpsRequest : httpRequest)({
      ...options,
      agent,
      protocol: base.protocol,
      hostname: base.hostname,
      port: base.port,
      method: request.method,
      path: `${base.pathname.replace(/\/$/, "")}${request.path}`,
      headers: {
        ...options.headers,
        accept: "application/json",
        "user-agent": "trunkline-forwarder",
        ...(body === undefined
          ? {}
          : {
              "content-type": request.contentType ?? "application/json",
              "content-length": String(Buffer.byteLength(body)),
            }),
      },
    });
  };

  return {
    request: async (request) => {
      const body = request.body === undefined ? undefined : JSON.stringify(request.body);
      const outgoing = await open(request, body);
      return answerTo(outgoing, body);
    },
    watch: (path, listener) => {
      let outgoing: ClientRequest | undefined;
      let over = false;
      const end = (ending: WatchEnding) => {
        if (over) return;
        over = true;
        outgoing?.destroy();
        listener.ended(ending);
      };
      open({ method: "GET", path }, undefined).then(
        (opened) => {
          outgoing = opened;
          if (over) {
            outgoing.destroy();
            return;
          }
          outgoing.on("error", () => end({}));
          outgoing.on("response", (response) => {
            const { statusCode: status = 0 } = response;
            if (status !== 200) return end({ status, ...retryAfterOf(response) });
            const hear = (line: string) => {
              if (over) return;
              const event = parseEvent(line);
              if (event === undefined) return end({ garbled: "a line that is no event" });
              listener.event(event.type, event.object);
            };
            readWatch(response, hear, end);
          });
          outgoing.end();
        },
        () => end({}),
      );
      return () => {
        over = true;
        outgoing?.destroy();
      };
    },
    close: () => agent.destroy(),
  };
};

/** The client refuses plain HTTP, such as that of a proxy on this machine, unless TLS is not to be verified. */
const withoutTls = (kubeConfig: KubeConfig): KubeConfig => {
  const plain = new KubeConfig();
  plain.loadFromOptions({
    clusters: kubeConfig.clusters.map((cluster) => ({ ...cluster, skipTLSVerify: true })),
    users: kubeConfig.users,
    contexts: kubeConfig.contexts,
    currentContext: kubeConfig.currentContext,
  });
  return plain;
};

const answerTo = (outgoing: ClientRequest, body: string | undefined): Promise<ApiAnswer> =>
  new Promise((resolve, reject) => {
    outgoing.setTimeout(silenceMilliseconds, () => outgoing.destroy(new Error("The API server is silent.")));
    const give = () => outgoing.destroy(new Error(`The API server took over ${requestMilliseconds / 1_000} s.`));
    const deadline = setTimeout(give, requestMilliseconds);
    outgoing.on("close", () => clearTimeout(deadline));
    outgoing.on("error", reject);
    outgoing.on("response", (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > bodyBytesMax)
          response.destroy(new Error(`The API server's answer is over ${bodyBytesMax} bytes.`));
      });
      response.on("error", reject);
      response.on("end", () => {
        const body = parseBody(Buffer.concat(chunks).toString("utf8"));
        resolve({ status: response.statusCode ?? 0, body, ...retryAfterOf(response) });
      });
    });
    outgoing.end(body);
  });

/** Bodies that are not JSON, such as those of proxies, are kept as text. */
const parseBody = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.slice(0, 300) };
  }
};

/** Cuts a watch's answer into lines; `onEnd` hears why nothing more can be read. */
const readWatch = (
  response: IncomingMessage,
  onLine: (line: string) => void,
  onEnd: (end: WatchEnding) => void,
): void => {
  const reader = createLineReader(lineBytesMax, onLine);
  response.on("data", (piece: Buffer) => {
    if (!reader.read(piece)) onEnd({ garbled: `a line of over ${lineBytesMax} bytes` });
  });
  response.on("error", () => onEnd({}));
  response.on("close", () => onEnd({}));
};

const parseEvent = (line: string): { type: string; object: unknown } | undefined => {
  try {
    const event: unknown = JSON.parse(line);
    if (typeof event !== "object" || event === null || !("type" in event) || !("object" in event)) return undefined;
    return { type: String(event.type), object: event.object };
  } catch {
    return undefined;
  }
};

/** What a refusal says of the next try. Kubernetes sends whole seconds; a date, which HTTP would allow too, is left out. */
const retryAfterOf = ({ headers }: IncomingMessage): { retryAfterSeconds?: number } => {
  const text = headers["retry-after"] ?? "";
  return /^\d{1,6}$/.test(text) ? { retryAfterSeconds: Number(text) } : {};
};
