import { isDeepStrictEqual } from "node:util";
import type { RecordedExchange, RecordedWait } from "./recording.ts";
import { type Json, settledView } from "./views.ts";
import { filled, open, send, titleOf, type WireAnswer } from "./wire.ts";

const waitSeconds = 20;

/** A recorded answer beside the answer of this run; they should be equal. */
export interface Comparison {
  readonly request: string;
  readonly recorded: Json;
  readonly answered: Json;
}

/** Where recorded requests are sent. */
export interface ReplayTarget {
  readonly servers: Readonly<Record<RecordedExchange["server"], string>>;
  /** What the names in requests stand for in this run; grows with the answers. */
  readonly values: Map<string, string>;
}

/** What was last seen of the object that is waited for. */
type Seen = "gone" | Json;

/**
 * Waits as the client did: looks, lists, and watches from there until the object is as it was in the end.
 *
 * An object that is there earlier than it was for the client ends the wait earlier, as it would have for the client.
 */
export async function awaitAgain(wait: RecordedWait, target: ReplayTarget): Promise<Comparison> {
  const server = target.servers.kubernetes;
  const report = (answered: Seen) => ({ request: titleOf(wait.watch), recorded: wait.until, answered });
  if (wait.look !== undefined) {
    const seen = seenIn(await send(filled(wait.look, target.values), server));
    if (isDeepStrictEqual(seen, wait.until)) return report(seen);
  }
  const answer = await send(filled(wait.list, target.values), server);
  const listed = seenIn(answer);
  if (isDeepStrictEqual(listed, wait.until) || answer.status !== 200) return report(listed);
  const { metadata } = JSON.parse(answer.text) as { metadata: { resourceVersion: string } };
  const values = new Map([...target.values, ["resourceVersion", metadata.resourceVersion]]);
  const signal = AbortSignal.timeout(waitSeconds * 1000);
  let last: Seen = listed;
  for await (const event of watch(await open(filled(wait.watch, values), server, signal), signal)) {
    last = event;
    if (isDeepStrictEqual(event, wait.until)) break;
  }
  return report(last);
}

/** What an answer shows of the one object that it is about. */
function seenIn({ status, text }: WireAnswer): Seen {
  if (status === 404) return "gone";
  if (status !== 200) return text;
  const answer = JSON.parse(text) as { [name: string]: Json };
  const object = Array.isArray(answer.items) ? answer.items[0] : answer;
  return object === undefined ? "gone" : settledView(object);
}

/** What each event of a watch shows, until the watch or the time ends. */
async function* watch(response: Response, signal: AbortSignal): AsyncGenerator<Seen> {
  let rest = "";
  try {
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = `${rest}${piece}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines.filter((each) => each !== "")) {
        const { type, object } = JSON.parse(line) as { type: string; object: Json };
        if (type !== "BOOKMARK") yield type === "DELETED" ? "gone" : settledView(object);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
