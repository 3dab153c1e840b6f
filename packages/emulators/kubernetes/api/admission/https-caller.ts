/** Calls webhooks over HTTPS, with the certificate checked against the configuration's bundle. */

import { Agent, request } from "node:https";
import type { WebhookCall, WebhookCaller } from "./webhooks.ts";

/** The largest answer that is read, as the API server limits it. */
const ANSWER_BYTES_MAX = 3 * 1024 * 1024;
const AGENTS_MAX = 32;

/** Where a service of the cluster really listens. */
export type ServiceResolver = (service: {
  namespace: string;
  name: string;
  port: number;
}) => { host: string; port: number } | undefined;

/** A caller that keeps its connections, and how to close them. */
export interface HttpsCaller {
  call: WebhookCaller;
  close(): void;
}

interface Address {
  host: string;
  port: number;
  path: string;
  /** What the certificate must name. */
  serverName: string;
  /** As error messages show it. */
  shown: string;
}

/** A caller that finds services through `resolve`. */
export function httpsCaller(resolve: ServiceResolver): HttpsCaller {
  const agents = new Map<string, Agent>();
  const agentFor = (caBundle: string | undefined): Agent => {
    const key = caBundle ?? "";
    let agent = agents.get(key);
    if (agent === undefined) {
      if (agents.size >= AGENTS_MAX) closeAll(agents);
      const ca = caBundle === undefined ? undefined : Buffer.from(caBundle, "base64");
      agent = new Agent({ keepAlive: true, ...(ca === undefined ? {} : { ca }) });
      agents.set(key, agent);
    }
    return agent;
  };
  return {
    call: async (call) => {
      const address = addressOf(call, resolve);
      try {
        return await post(address, call, agentFor(call.caBundle));
      } catch (error) {
        throw new Error(`failed to call webhook: Post "${address.shown}": ${wireError(error, address)}`);
      }
    },
    close: () => closeAll(agents),
  };
}

function closeAll(agents: Map<string, Agent>): void {
  for (const agent of agents.values()) agent.destroy();
  agents.clear();
}

function addressOf(call: WebhookCall, resolve: ServiceResolver): Address {
  const query = `timeout=${call.timeoutSeconds}s`;
  if ("url" in call.target) {
    const url = new URL(call.target.url);
    url.search = query;
    const port = url.port === "" ? 443 : Number(url.port);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    return { host, port, path: `${url.pathname}${url.search}`, serverName: host, shown: url.href };
  }
  const { service } = call.target;
  const serverName = `${service.name}.${service.namespace}.svc`;
  const found = resolve(service);
  if (found === undefined) throw new Error(`failed to call webhook: service "${service.name}" not found`);
  const path = `${service.path}?${query}`;
  return { ...found, path, serverName, shown: `https://${serverName}:${service.port}${path}` };
}

function post(address: Address, call: WebhookCall, agent: Agent): Promise<unknown> {
  const body = Buffer.from(JSON.stringify(call.body));
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: address.host,
        port: address.port,
        path: address.path,
        method: "POST",
        agent,
        // An IP address in a URL is checked against the certificate's addresses, without a server name.
        ...(isAddress(address.serverName) ? {} : { servername: address.serverName }),
        signal: AbortSignal.timeout(call.timeoutSeconds * 1000),
        headers: {
          "content-type": "application/json",
          accept: "application/json",
          "content-length": body.length,
          "user-agent": "kube-apiserver-admission",
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > ANSWER_BYTES_MAX) sent.destroy(new Error("http: response body too large"));
          else chunks.push(chunk);
        });
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          if (response.statusCode !== 200) {
            reject(
              new Error(
                `an error on the server (${JSON.stringify(text.trim())}) has prevented the request from succeeding`,
              ),
            );
            return;
          }
          try {
            resolve(JSON.parse(text));
          } catch (error) {
            reject(error);
          }
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

function isAddress(name: string): boolean {
  return /^[\d.]+$/.test(name) || name.includes(":");
}

/** The wire's failure in the words of the API server's own client. */
function wireError(error: unknown, address: Address): string {
  const code = (error as { code?: unknown }).code;
  const name = (error as { name?: unknown }).name;
  if (name === "TimeoutError" || name === "AbortError") return "context deadline exceeded";
  if (code === "ECONNREFUSED") return `dial tcp ${address.host}:${address.port}: connect: connection refused`;
  if (code === "ECONNRESET") return "EOF";
  if (code === "ENOTFOUND") return `dial tcp: lookup ${address.host}: no such host`;
  const tls = typeof code === "string" && /CERT|SELF_SIGNED|VERIFY|ALTNAME|ISSUER/.test(code);
  const text = error instanceof Error ? error.message : String(error);
  return tls ? `tls: failed to verify certificate: x509: ${text}` : text;
}
