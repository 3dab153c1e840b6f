import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import type { ApiAnswer, ApiRequest, KubernetesApi } from "../ports/api.ts";

const requestTimeoutMilliseconds = 30_000;
/** A list page of 500 pods is about 5 MB; a server that sends more than this is not read to the end. */
const bodyBytesMax = 64 * 1024 * 1024;
const lineLengthMax = 8 * 1024 * 1024;
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
      const end = (status: number | undefined) => {
        if (over) return;
        over = true;
        outgoing?.destroy();
        listener.ended(status);
      };
      open({ method: "GET", path }, undefined).then(
        (opened) => {
          outgoing = opened;
          if (over) {
            outgoing.destroy();
            return;
          }
          outgoing.on("error", () => end(undefined));
          outgoing.on("response", (response) => {
            if (response.statusCode !== 200) return end(response.statusCode);
            readLines(response, (line) => {
              if (over) return;
              const event = parseEvent(line);
              if (event === undefined) return end(undefined);
              listener.event(event.type, event.object);
            });
            response.on("error", () => end(undefined));
            response.on("close", () => end(undefined));
          });
          outgoing.end();
        },
        () => end(undefined),
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
    outgoing.setTimeout(requestTimeoutMilliseconds, () => outgoing.destroy(new Error("The API server is silent.")));
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
        resolve({ status: response.statusCode ?? 0, body: parseBody(Buffer.concat(chunks).toString("utf8")) });
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

const readLines = (response: IncomingMessage, onLine: (line: string) => void): void => {
  let rest = "";
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") onLine(line);
    if (rest.length > lineLengthMax) response.destroy();
  });
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
