import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionDropped, Ec2Error } from "../model/errors.ts";
import type { Ec2Model } from "../model/model.ts";
import { answerControl, CONTROL_PATH, type ControlSettings } from "./control.ts";
import { drawLatencyMs } from "./latency.ts";
import { formatAnswer, formatError, parseRequest } from "./query-protocol.ts";

const BODY_BYTES_MAX = 1024 * 1024;

/** What the server needs besides the models. */
export interface ServerSettings extends ControlSettings {
  /** For latencies; a number in [0, 1). */
  readonly random: () => number;
}

/** An HTTP server that speaks the EC2 Query protocol, and JSON under `/_control/`. It does not listen yet. */
export function createEc2Server(settings: ServerSettings): Server {
  return createServer((request, response) => {
    answer(settings, request, response).catch(() => response.destroy());
  });
}

async function answer(settings: ServerSettings, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  const body = await readBody(request);
  if (url.pathname.startsWith(CONTROL_PATH)) {
    const { status, json } = answerControl(settings, { method: request.method ?? "GET", url, body });
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
    return;
  }
  const requestId = randomUUID();
  const send = (status: number, xml: string) =>
    response.writeHead(status, { "content-type": "text/xml;charset=UTF-8", "x-amzn-requestid": requestId }).end(xml);
  try {
    if (body === undefined) throw new Ec2Error("RequestEntityTooLarge", "The request is too large.", 413);
    const model = settings.regions.model(settings.regions.regionOf(request.headers.authorization));
    const parameters = new URLSearchParams(request.method === "GET" ? url.search : body);
    send(200, await perform(settings, model, { parameters, requestId }));
  } catch (error) {
    if (error instanceof ConnectionDropped) request.socket.destroy();
    else {
      const refusal = asRefusal(error);
      send(refusal.status, formatError(refusal, requestId));
    }
  }
}

/** The effect comes in the middle of a call's latency: a caller that gives up early may find it done or not done. */
async function perform(
  settings: ServerSettings,
  model: Ec2Model,
  call: { readonly parameters: URLSearchParams; readonly requestId: string },
): Promise<string> {
  const { action, input } = parseRequest(call.parameters);
  model.admit(action, input);
  const latencyMs = drawLatencyMs(settings.latency(), action, settings.random);
  if (latencyMs > 0) await sleep(latencyMs / 2);
  const output = model.perform(action, input as never);
  if (latencyMs > 0) await sleep(latencyMs / 2);
  return formatAnswer(action, output, call.requestId);
}

function asRefusal(error: unknown): Ec2Error {
  if (error instanceof Ec2Error) return error;
  return new Ec2Error("InternalError", `An internal error has occurred: ${String(error)}`, 500);
}

/** The body of a request; nothing when it is larger than any request needs. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk as Buffer);
  }
  return bytes > BODY_BYTES_MAX ? undefined : Buffer.concat(chunks).toString("utf8");
}
