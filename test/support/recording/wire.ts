import { fill } from "./bindings.ts";
import type { RecordedRequest } from "./recording.ts";

const answerTimeoutMilliseconds = 20_000;

/** An answer as it came over the wire. */
export interface WireAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** How a request is called in a failure. */
export function titleOf({ method, url, body }: RecordedRequest): string {
  const action = /^Action=(\w+)/.exec(body ?? "")?.[1];
  return `${method} ${url}${action ? ` ${action}` : ""}`;
}

/** The request with this run's values. */
export function filled(request: RecordedRequest, values: ReadonlyMap<string, string>): RecordedRequest {
  const body = request.body === undefined ? {} : { body: fill(request.body, values) };
  return { ...request, url: fill(request.url, values), ...body };
}

/** Sends a request and reads its whole answer. */
export async function send(request: RecordedRequest, server: string): Promise<WireAnswer> {
  const response = await open(request, server, AbortSignal.timeout(answerTimeoutMilliseconds));
  const contentType = response.headers.get("content-type") ?? "";
  return { status: response.status, contentType, text: await response.text() };
}

/** Sends a request and gives its answer as it begins. */
export function open(request: RecordedRequest, server: string, signal: AbortSignal): Promise<Response> {
  const body = request.bytes === undefined ? request.body : Buffer.from(request.bytes, "base64");
  return fetch(`${server}${request.url}`, {
    method: request.method,
    signal,
    headers: {
      ...(request.accept ? { accept: request.accept } : {}),
      ...(request.contentType ? { "content-type": request.contentType } : {}),
    },
    ...(body === undefined ? {} : { body }),
  });
}
