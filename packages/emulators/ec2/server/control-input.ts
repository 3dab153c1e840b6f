import { DEFAULT_CONFIG, type Ec2ConfigPatch } from "../model/config.ts";
import type { Fault } from "../model/faults.ts";
import type { ReachQuery } from "../model/reachability.ts";
import { type LatencyConfig, NO_LATENCY, TYPICAL_LATENCY } from "./latency.ts";

/** A change of the configuration as the control endpoint takes it. */
export interface ConfigChange {
  readonly model: Ec2ConfigPatch;
  readonly latency?: LatencyConfig;
}

/**
 * Checks a change of the configuration: any part of `Ec2Config`, and `latency`, which is `"none"`, `"typical"` or a part
 * of a `LatencyConfig`. Throws `RangeError` with a sentence that names what is wrong.
 */
export function parseConfigChange(json: unknown): ConfigChange {
  const { latency, buckets, ...rest } = asObject(json, "The configuration");
  for (const [name, value] of Object.entries(rest)) {
    checkLike(name, value, (DEFAULT_CONFIG as unknown as Record<string, unknown>)[name]);
  }
  if (buckets !== undefined) {
    for (const [action, limits] of Object.entries(asObject(buckets, "buckets"))) {
      const { capacity, refillPerSecond } = asObject(limits, `buckets.${action}`);
      checkLike(`buckets.${action}.capacity`, capacity, 0);
      checkLike(`buckets.${action}.refillPerSecond`, refillPerSecond, 0);
    }
  }
  const model = { ...rest, ...(buckets !== undefined && { buckets }) } as Ec2ConfigPatch;
  return latency === undefined ? { model } : { model, latency: parseLatency(latency) };
}

/** Checks a fault. `when` is `before` unless given; the answer is `"drop"` or `{ code, message?, status? }`. */
export function parseFault(json: unknown): Fault {
  const { action = "*", when = "before", probability, next, answer } = asObject(json, "The fault");
  if (typeof action !== "string") throw new RangeError("action must be the name of an action, or *.");
  if (when !== "before" && when !== "after") throw new RangeError("when must be before or after.");
  return { action, when, frequency: parseFrequency(probability, next), answer: parseAnswer(answer) };
}

/** Checks a question about reachability. */
export function parseReachQuery(json: unknown): ReachQuery {
  const { from, to, protocol = "tcp", port = 0 } = asObject(json, "The query");
  if (typeof from !== "string" || typeof to !== "string" || typeof protocol !== "string") {
    throw new RangeError("from, to and protocol must be strings.");
  }
  if (typeof port !== "number" || !Number.isInteger(port)) throw new RangeError("port must be a whole number.");
  return { from, to, protocol, port };
}

function parseLatency(json: unknown): LatencyConfig {
  if (json === "none") return NO_LATENCY;
  if (json === "typical") return TYPICAL_LATENCY;
  const { medianMsByAction = {}, ...rest } = asObject(json, "latency");
  const medians = asObject(medianMsByAction, "latency.medianMsByAction");
  for (const [action, medianMs] of Object.entries(medians)) checkLike(`latency of ${action}`, medianMs, 0);
  checkLike("latency", rest, { medianMs: 0, sigma: 0 });
  return { ...NO_LATENCY, ...rest, medianMsByAction: medians as Record<string, number> };
}

function parseFrequency(probability: unknown, next: unknown): Fault["frequency"] {
  if (typeof probability === "number" && next === undefined && probability >= 0 && probability <= 1) {
    return { probability };
  }
  if (typeof next === "number" && probability === undefined && Number.isInteger(next) && next > 0) return { next };
  throw new RangeError("Give either probability (0 to 1) or next (a number of calls).");
}

function parseAnswer(json: unknown): Fault["answer"] {
  if (json === "drop") return "drop";
  const { code, message, status } = asObject(json, "answer");
  if (typeof code !== "string") throw new RangeError("answer must be drop, or have a code.");
  if (message !== undefined && typeof message !== "string") throw new RangeError("message must be a string.");
  if (status !== undefined && (typeof status !== "number" || status < 400 || status > 599)) {
    throw new RangeError("status must be an HTTP status of 400 to 599.");
  }
  return { code, ...(message !== undefined && { message }), ...(status !== undefined && { status }) };
}

/** The value must look like the example: a boolean, a number that is not negative, or an object of some of its fields. */
function checkLike(name: string, value: unknown, example: unknown): void {
  if (example === undefined) throw new RangeError(`There is no setting ${name}.`);
  if (typeof example === "object" && example !== null) {
    for (const [key, inner] of Object.entries(asObject(value, name))) {
      checkLike(`${name}.${key}`, inner, (example as Record<string, unknown>)[key]);
    }
  } else if (typeof value !== typeof example || (typeof value === "number" && !(value >= 0))) {
    throw new RangeError(`${name} must be a ${typeof example}${typeof example === "number" ? " of at least 0" : ""}.`);
  }
}

function asObject(json: unknown, name: string): Record<string, unknown> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new RangeError(`${name} must be an object.`);
  }
  return json as Record<string, unknown>;
}
