import { isDeepStrictEqual } from "node:util";
import { type Found, findVolatile } from "./bindings.ts";
import type { WireExchange } from "./proxy.ts";
import type { Binding, RecordedExchange, RecordedRequest, RecordedWait } from "./recording.ts";
import { type Json, parseAnswer, settledView, viewOf } from "./views.ts";
import { volatileIn } from "./volatile.ts";

/** An exchange of a command, and with whom. */
export interface SessionExchange extends WireExchange {
  readonly server: RecordedExchange["server"];
}

interface Remembered {
  readonly exchange: { bindings?: Binding[] };
  readonly found: readonly Found[];
}

/** Documents about the API: large, and nothing that a person sees. */
const aboutTheApi = /^\/(?:version|api|apis|openapi\/.*)(?:\?|$)/;

/** Turns exchanges into steps of recordings and remembers which answer said what later requests use. */
export class Recorder {
  readonly #answers: Remembered[] = [];
  readonly #facts = new Map<string, string>();
  readonly #documents = new Set<string>();
  #bindings = 0;

  /** @param facts - What the world said before the first command. */
  constructor(facts: object) {
    for (const [name, fact] of Object.entries(facts))
      if (typeof fact === "string" && volatileIn(fact)[0]?.text === fact) this.#facts.set(fact, name);
  }

  /** The steps of one command. Of requests that a command repeats until it likes the answer, the last is kept. */
  stepsOf(exchanges: readonly SessionExchange[], settles: boolean): (RecordedExchange | RecordedWait)[] {
    const kept = exchanges
      .filter((each, at) => !settles || !isSameRequest(each, exchanges[at + 1]))
      .filter((each) => !this.#isKnownDocument(each));
    const steps: (RecordedExchange | RecordedWait)[] = [];
    for (let at = 0; at < kept.length; at += 1) {
      const wait = this.#waitAt(kept, at);
      if (wait !== undefined) {
        steps.push(wait.step);
        at += wait.length - 1;
      } else steps.push(this.#exchange(kept[at] as SessionExchange));
    }
    return steps;
  }

  /** Clients ask for the same documents again and again; once is enough. */
  #isKnownDocument({ server, url }: SessionExchange): boolean {
    if (server !== "kubernetes" || !aboutTheApi.test(url)) return false;
    const isKnown = this.#documents.has(url);
    this.#documents.add(url);
    return isKnown;
  }

  #exchange(exchange: SessionExchange): RecordedExchange {
    const { server, status, contentType } = exchange;
    const recorded: RecordedExchange & { bindings?: Binding[] } = {
      ...{ type: "exchange", server, request: this.#request(exchange), status, contentType },
    };
    if (server === "kubernetes" && aboutTheApi.test(exchange.url)) return recorded;
    const answer = parseAnswer(contentType, exchange.answer.toString());
    const viewed = Object.assign(recorded, { view: viewOf(answer) });
    this.#answers.push({ exchange: viewed, found: findVolatile(answer) });
    return viewed;
  }

  /** A list and a watch from there, and before them maybe a look at the object. */
  #waitAt(exchanges: readonly SessionExchange[], at: number): { step: RecordedWait; length: number } | undefined {
    const isLook = !isList(exchanges[at]) && isLookFor(exchanges[at], exchanges[at + 1]);
    const [look, list, watch] = isLook ? exchanges.slice(at, at + 3) : [undefined, ...exchanges.slice(at, at + 2)];
    if (list === undefined || !isList(list) || watch === undefined || !isWatch(watch)) return undefined;
    const step: RecordedWait = {
      type: "wait",
      ...(look === undefined ? {} : { look: this.#request(look) }),
      list: this.#request(list),
      watch: this.#request(watch),
      until: endOf(watch, list),
    };
    return { step, length: look === undefined ? 2 : 3 };
  }

  #request({ method, url, headers, body }: SessionExchange): RecordedRequest {
    const { accept, "content-type": contentType } = headers;
    const bytes = contentType?.includes("protobuf") ?? false;
    return {
      method,
      url: this.#named(url.replace(/([?&]resourceVersion=)[1-9]\d*/, "$1{{resourceVersion}}")),
      ...(accept === undefined || accept === "*/*" ? {} : { accept }),
      ...(contentType === undefined || body.length === 0 ? {} : { contentType }),
      ...(body.length === 0 ? {} : bytes ? { bytes: body.toString("base64") } : { body: this.#named(body.toString()) }),
    };
  }

  /** The text with names for what an earlier answer said. What the client made up stays. */
  #named(text: string): string {
    return volatileIn(decoded(text)).reduce((result, { kind, text: volatile }) => {
      const name = this.#facts.get(volatile) ?? this.#bind(kind, volatile);
      return name === undefined ? result : result.replaceAll(volatile, `{{${name}}}`);
    }, text);
  }

  /** The latest answer with this text is where the client has it from. */
  #bind(kind: string, text: string): string | undefined {
    for (const { exchange, found } of this.#answers.toReversed()) {
      const place = found.find((each) => each.kind === kind && each.text === text && isIdentity(each));
      if (place === undefined) continue;
      const { path, index } = place;
      const known = exchange.bindings?.find((binding) =>
        isDeepStrictEqual([binding.path, binding.index], [path, index]),
      );
      if (known !== undefined) return known.name;
      this.#bindings += 1;
      const name = `${kind}-${this.#bindings}`;
      exchange.bindings = [...(exchange.bindings ?? []), { name, path, index }];
      return name;
    }
    return undefined;
  }
}

/** Whether a text stands where an answer says what something is called, and not where it mentions something else. */
function isIdentity({ path }: Found): boolean {
  return path.at(-2) === "cells" || /^(?:name|uid|\w+Id)$/.test(String(path.at(-1)));
}

/** Without the escapes of a URL or form, which would hide where a word begins. */
function decoded(text: string): string {
  return text.replaceAll(/%3D|%2C|%2F|%3A/gi, " ");
}

function isSameRequest(one: WireExchange, other: WireExchange | undefined): boolean {
  return (
    one.method === other?.method &&
    one.url === other.url &&
    one.headers.accept === other.headers.accept &&
    one.body.equals(other.body)
  );
}

function isList(exchange: WireExchange | undefined): boolean {
  return (
    exchange?.method === "GET" && /[?&]fieldSelector=metadata\.name%3D[^&%]+.*&resourceVersion=0/.test(exchange.url)
  );
}

function isWatch({ url }: WireExchange): boolean {
  return /[?&]watch=true/.test(url);
}

/** Whether the one asks for the object by name for which the other asks by field. */
function isLookFor(one: WireExchange | undefined, list: WireExchange | undefined): boolean {
  if (one?.method !== "GET" || list === undefined || !isList(list)) return false;
  const url = new URL(list.url, "http://server");
  const name = url.searchParams.get("fieldSelector")?.replace("metadata.name=", "");
  return one.url === `${url.pathname}/${name}`;
}

/** How the object was when the client had seen enough. */
function endOf(watch: WireExchange, list: WireExchange): RecordedWait["until"] {
  const lines = watch.answer.toString().split("\n");
  const events = lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as { type: string; object: Json }];
    } catch {
      // The client left in the middle of a line.
      return [];
    }
  });
  const last = events.findLast(({ type }) => type !== "BOOKMARK");
  if (last?.type === "DELETED") return "gone";
  const { items } = JSON.parse(list.answer.toString()) as { items: Json[] };
  const seen = last?.object ?? items[0];
  return seen === undefined ? "gone" : (settledView(seen) as { [field: string]: Json });
}
