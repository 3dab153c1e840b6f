/**
 * The API server of the measured forwarder, in a process of its own: sends reviews at times that are fixed beforehand,
 * whether or not earlier ones have been answered, and counts from those times, so that a slow answer hides nothing.
 */

import { Agent, request } from "node:https";
import { isMatched, reviewOf } from "./reviews.ts";

/** What this process is told once. */
export interface LoadOrder {
  readonly port: number;
  /** PEM. */
  readonly ca: string;
  readonly serverName: string;
  readonly perSecond: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** What it answers; times in milliseconds. */
export interface LoadResult {
  readonly requests: number;
  /** From when a request was due until its answer was there, ascending. */
  readonly latencies: readonly number[];
  /** How late requests were sent, ascending: the part of the latencies that is this process's own. */
  readonly lateness: readonly number[];
  readonly meanBytes: number;
  readonly connections: number;
}

/** A sequence of numbers in (0, 1] that is the same in each run. */
const seeded = (): (() => number) => {
  let state = 20_261_121;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 1) / 2 ** 32;
  };
};

/** When requests are due, in milliseconds from the start: independent of each other, as those of many users are. */
const dueTimes = ({ perSecond, warmUpSeconds, seconds }: LoadOrder): readonly number[] => {
  const random = seeded();
  const times: number[] = [];
  const end = (warmUpSeconds + seconds) * 1_000;
  for (let at = 0; at < end; at += (-Math.log(random()) * 1_000) / perSecond) times.push(at);
  return times;
};

const reviewsMax = 1_000;

const run = async (order: LoadOrder): Promise<LoadResult> => {
  const reviews = Array.from({ length: reviewsMax }, (_, index) => Buffer.from(reviewOf(index)));
  const agent = new Agent({ keepAlive: true, ca: order.ca, servername: order.serverName, maxSockets: 200 });
  const sockets = new Set<unknown>();
  const times = dueTimes(order);
  const latencies: number[] = [];
  const lateness: number[] = [];
  const started = performance.now();
  const send = (index: number, due: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const body = reviews[index % reviewsMax] ?? Buffer.alloc(0);
      const sent = performance.now() - started;
      const headers = { "content-type": "application/json", "content-length": body.length };
      const options = {
        host: "127.0.0.1",
        port: order.port,
        path: "/mutate-v1-pod?timeout=5s",
        method: "POST",
        agent,
        headers,
      };
      const outgoing = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          if (due >= order.warmUpSeconds * 1_000) {
            latencies.push(performance.now() - started - due);
            lateness.push(sent - due);
          }
          const problem = problemOf(index % reviewsMax, response.statusCode, Buffer.concat(chunks).toString());
          if (problem === undefined) resolve();
          else reject(new Error(problem));
        });
      });
      outgoing.on("socket", (socket) => sockets.add(socket));
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  const answers: Promise<void>[] = [];
  for (const [index, due] of times.entries()) {
    const wait = due - (performance.now() - started);
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    answers.push(send(index, due));
  }
  await Promise.all(answers);
  agent.destroy();
  const ascending = (values: number[]) => values.sort((left, right) => left - right);
  return {
    requests: latencies.length,
    latencies: ascending(latencies),
    lateness: ascending(lateness),
    meanBytes: reviews.reduce((sum, { length }) => sum + length, 0) / reviews.length,
    connections: sockets.size,
  };
};

/** A wrong answer is no answer: what is measured must be what is promised. */
const problemOf = (index: number, status: number | undefined, text: string): string | undefined => {
  const { response } = JSON.parse(text) as { response?: { allowed: boolean; patch?: string } };
  if (status !== 200 || response?.allowed !== true) return `review ${index} was answered with ${status}: ${text}`;
  return (response.patch !== undefined) === isMatched(index)
    ? undefined
    : `review ${index} has the wrong patch: ${text}`;
};

process.once("message", (order) => {
  run(order as LoadOrder).then(
    (result) => process.send?.(result, () => process.exit(0)),
    (problem: unknown) => {
      process.stderr.write(`${problem}\n`);
      process.exit(1);
    },
  );
});
