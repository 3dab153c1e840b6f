import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { bind } from "./bindings.ts";
import type { RecordedCommand, RecordedExchange } from "./recording.ts";
import { type Json, parseAnswer, viewOf } from "./views.ts";
import { awaitAgain, type Comparison, type ReplayTarget } from "./wait.ts";
import { filled, send, titleOf } from "./wire.ts";

const settleSeconds = 20;
const pollMilliseconds = 100;

/**
 * Sends the requests of a command again, in order, and puts what is answered beside what was recorded. It ends with the
 * first answer that is another: what comes after rests on it.
 */
export async function replay(command: RecordedCommand, target: ReplayTarget): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const step of command.steps) {
    const comparison =
      step.type === "wait"
        ? await awaitAgain(step, target)
        : await exchangeAgain(step, target, command.settles ? settleSeconds : 0);
    comparisons.push(comparison);
    if (!isDeepStrictEqual(comparison.answered, comparison.recorded)) break;
  }
  return comparisons;
}

/** Repeats a request until its answer is the recorded one, for at most so many seconds. */
async function exchangeAgain(exchange: RecordedExchange, target: ReplayTarget, seconds: number): Promise<Comparison> {
  const request = filled(exchange.request, target.values);
  const recorded = comparable(exchange, exchange.view);
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await send(request, target.servers[exchange.server]);
    const body = exchange.view === undefined ? undefined : parseAnswer(answer.contentType, answer.text);
    const answered = comparable(answer, body === undefined ? undefined : viewOf(body));
    const same = isDeepStrictEqual(answered, recorded);
    if (same) keep(body, exchange, target);
    if (same || Date.now() >= deadline) return { request: titleOf(exchange.request), recorded, answered };
    await sleep(pollMilliseconds);
  }
}

function keep(body: Json | undefined, exchange: RecordedExchange, { values }: ReplayTarget): void {
  for (const [name, value] of Object.entries(bind(body ?? null, exchange.bindings ?? []))) values.set(name, value);
}

/** Status, content type and view in one value. */
function comparable(answer: { status: number; contentType: string }, view: Json | undefined): Json {
  return { status: answer.status, contentType: answer.contentType, ...(view === undefined ? {} : { view }) };
}
