/** Faults on request: the wire and the server fail as real ones do, for the next so many requests that match. */

import { isObject, type JsonObject } from "../json.ts";
import { badRequest, refusal, tooManyRequests } from "../statuses.ts";

/** Which requests a fault hits, and how often. */
export interface FaultTarget {
  /** How many requests it hits; 1 unless said otherwise. */
  count?: number;
  /** An HTTP method. */
  method?: string;
  /** A part of the path. */
  path?: string;
}

/**
 * A fault. `reset` closes the connection without an answer, before or after the request took effect; `silence` lets every
 * watch that is open under the path live on without another byte, as behind a dead connection; `outage` closes all
 * connections and refuses new ones for so long.
 */
export type Fault = FaultTarget &
  (
    | { kind: "status"; code: number; retryAfterSeconds?: number }
    | { kind: "delay"; delayMs: number }
    | { kind: "reset"; when?: "before" | "after" }
    | { kind: "expire-watch" }
    | { kind: "drop-watches" }
    | { kind: "forget-history" }
    | { kind: "silence" }
    | { kind: "outage"; durationMs: number }
  );

const KINDS = [
  "status",
  "delay",
  "reset",
  "expire-watch",
  "drop-watches",
  "forget-history",
  "silence",
  "outage",
] as const satisfies readonly Fault["kind"][];
/** The number that a fault of a kind cannot do without. */
const NUMBERS: Partial<Record<Fault["kind"], string>> = { status: "code", delay: "delayMs", outage: "durationMs" };
const FAULTS_MAX = 1_000;

/** The faults that wait for their requests. */
export class Faults {
  #waiting: { fault: Fault; left: number }[] = [];

  /** Adds a fault that waits for requests; throws 400 when there are too many. */
  add(fault: Fault): void {
    if (this.#waiting.length >= FAULTS_MAX) throw badRequest(`at most ${FAULTS_MAX} faults can wait`);
    this.#waiting.push({ fault, left: fault.count ?? 1 });
  }

  /** The waiting faults, with how often they will still hit. */
  waiting(): Fault[] {
    return this.#waiting.map(({ fault, left }) => ({ ...fault, count: left }));
  }

  clear(): void {
    this.#waiting = [];
  }

  /** The first waiting fault of the kind that the request meets; it counts as used. */
  take<K extends Fault["kind"]>(kind: K, request: { method: string; path: string }): (Fault & { kind: K }) | undefined {
    const found = this.#waiting.find(
      ({ fault }) =>
        fault.kind === kind &&
        (fault.method === undefined || fault.method === request.method) &&
        (fault.path === undefined || request.path.includes(fault.path)),
    );
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left <= 0) this.#waiting = this.#waiting.filter((other) => other !== found);
    return found.fault as Fault & { kind: K };
  }
}

/** Reads the body of the control endpoint, a fault or a list of faults; throws 400. */
export function parseFaults(body: unknown): Fault[] {
  const list: unknown[] = Array.isArray(body) ? body : [body];
  return list.map((entry) => {
    if (!isObject(entry) || !KINDS.some((kind) => kind === entry.kind)) {
      throw badRequest(`a fault needs a kind: one of ${KINDS.join(", ")}`);
    }
    checkNumbers(entry);
    return entry as unknown as Fault;
  });
}

function checkNumbers(entry: JsonObject): void {
  const field = NUMBERS[entry.kind as Fault["kind"]];
  if (field !== undefined && typeof entry[field] !== "number") {
    throw badRequest(`a fault of kind ${entry.kind} needs the number ${field}`);
  }
}

/** The refusal that a `status` fault answers. */
export function statusOfFault(fault: Fault & { kind: "status" }): Error {
  if (fault.code === 429) {
    return tooManyRequests(
      "the server has received too many requests and has asked us to try again later",
      fault.retryAfterSeconds ?? 1,
    );
  }
  const reasons: Record<number, string> = {
    409: "Conflict",
    410: "Expired",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
  };
  return refusal(fault.code, reasons[fault.code] ?? "Unknown", "a fault that was asked for");
}
