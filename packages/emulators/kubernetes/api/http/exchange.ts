/** One request and its answer on the wire: reading bodies, writing answers, telling whoever records them. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { parse as parseYaml } from "yaml";
import { type Status, StatusError } from "../../ports.ts";
import { decodeProtobuf, PROTOBUF } from "../protobuf/decode.ts";
import { badRequest, refusal } from "../statuses.ts";

/** The largest body that is read, as the API server limits it. */
const BODY_BYTES_MAX = 3 * 1024 * 1024;
/** What is kept of an answer for whoever records exchanges. */
const RECORDED_BYTES_MAX = 4 * 1024 * 1024;

/** A finished exchange, for recordings. */
export interface Exchange {
  method: string;
  /** Path and query. */
  url: string;
  requestHeaders: Record<string, string | string[] | undefined>;
  requestBody: string;
  status: number;
  responseHeaders: Record<string, string>;
  responseBody: string;
}

/** An answer that is written at once. */
export interface Answer {
  status: number;
  body: unknown;
  contentType?: string;
}

/** A request that is being answered. */
export class HttpExchange {
  readonly method: string;
  readonly url: URL;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly #warnings: string[] = [];
  readonly #record: ((exchange: Exchange) => void) | undefined;
  #requestBody = "";
  #written = "";
  #silent = false;

  constructor(request: IncomingMessage, response: ServerResponse, record?: (exchange: Exchange) => void) {
    this.method = request.method ?? "GET";
    this.url = new URL(request.url ?? "/", "http://emulator");
    this.request = request;
    this.response = response;
    this.#record = record;
  }

  /** A `Warning` header of the answer. */
  warn(text: string): void {
    if (!this.#warnings.includes(text)) this.#warnings.push(text);
  }

  /** The body as JSON or YAML; `undefined` when it is empty. Throws 400 and 413. */
  async body(): Promise<unknown> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of this.request) {
      const buffer = chunk as Buffer;
      bytes += buffer.length;
      if (bytes > BODY_BYTES_MAX) {
        throw refusal(413, "RequestEntityTooLarge", `Request entity too large: limit is ${BODY_BYTES_MAX}`);
      }
      chunks.push(buffer);
    }
    const whole = Buffer.concat(chunks);
    const contentType = this.request.headers["content-type"] ?? "";
    const text = whole.toString();
    this.#requestBody = text;
    if (text.trim() === "") return undefined;
    const yaml = contentType.includes("yaml");
    try {
      if (contentType.startsWith(PROTOBUF)) {
        const decoded = decodeProtobuf(whole);
        this.#requestBody = JSON.stringify(decoded);
        return decoded;
      }
      return yaml ? parseYaml(text) : JSON.parse(text);
    } catch (error) {
      throw badRequest(
        `couldn't get version/kind; json parse error: ${error instanceof Error ? error.message : error}`,
      );
    }
  }

  /** Writes a whole answer. */
  answer({ status, body, contentType = "application/json" }: Answer): void {
    const written = typeof body === "string" || Buffer.isBuffer(body) ? body : `${JSON.stringify(body)}\n`;
    this.begin(status, contentType);
    this.write(written);
    this.end();
  }

  /** Writes the refusal that an error is. */
  refuse(error: unknown): void {
    const status = statusOf(error);
    const retry = status.details?.retryAfterSeconds;
    if (retry !== undefined) this.response.setHeader("Retry-After", String(retry));
    this.answer({ status: status.code ?? 500, body: status });
  }

  /** Begins an answer that is written piece by piece. */
  begin(status: number, contentType: string): void {
    this.response.statusCode = status;
    this.response.setHeader("Content-Type", contentType);
    this.response.setHeader("Cache-Control", "no-cache, private");
    const warnings = this.#warnings.map((text) => `299 - ${JSON.stringify(text)}`);
    if (warnings.length > 0) this.response.setHeader("Warning", warnings.map(ascii));
  }

  /** From now on nothing reaches the client, which is not told either. */
  silence(): void {
    this.#silent = true;
  }

  /** Writes a piece. Answers whether the client keeps up. */
  write(piece: string | Buffer): boolean {
    if (this.#silent) return true;
    if (this.#record !== undefined && this.#written.length < RECORDED_BYTES_MAX) this.#written += piece.toString();
    return this.response.write(piece);
  }

  end(): void {
    // What a dead connection was to carry is lost; at its end the client meets a reset.
    if (this.#silent) this.response.destroy();
    this.response.end();
    const headers = Object.entries(this.response.getHeaders()).map(([key, value]) => [key, String(value)] as const);
    this.#record?.({
      method: this.method,
      url: `${this.url.pathname}${this.url.search}`,
      requestHeaders: this.request.headers,
      requestBody: this.#requestBody,
      status: this.response.statusCode,
      responseHeaders: Object.fromEntries(headers),
      responseBody: this.#written,
    });
  }
}

/** Header values cannot carry more than one byte a character. */
function ascii(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?");
}

/** The `Status` of an error; what is no refusal is a bug, and says so to the client. */
function statusOf(error: unknown): Status {
  if (error instanceof StatusError) return error.status;
  const message = `Internal error occurred: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    reason: "InternalError",
    message,
    code: 500,
  };
}
