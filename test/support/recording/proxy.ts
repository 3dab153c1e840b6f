import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request of a client and what it was answered, as they were on the wire. */
export interface WireExchange {
  readonly method: string;
  /** Path and query, as the client encoded them. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  readonly status: number;
  readonly contentType: string;
  readonly answer: Buffer;
}

/** A proxy between a client and a server. */
export interface RecordingProxy {
  readonly url: string;
  /** The exchanges that began since the last call, in the order in which they began, as far as they are answered. */
  take(): readonly WireExchange[];
  stop(): Promise<void>;
}

/** Starts a proxy that passes everything on to `target` and remembers it. A stream that a client leaves is remembered too. */
export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  let exchanges: { finished?: WireExchange }[] = [];
  const server = createServer((incoming, outgoing) => {
    const slot: { finished?: WireExchange } = {};
    exchanges.push(slot);
    pass({ incoming, outgoing, target }, (exchange) => {
      slot.finished = exchange;
    }).catch(() => outgoing.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take: () => {
      const taken = exchanges.flatMap(({ finished }) => (finished ? [finished] : []));
      exchanges = [];
      return taken;
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

interface Passage {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly target: string;
}

async function pass({ incoming, outgoing, target }: Passage, done: (exchange: WireExchange) => void): Promise<void> {
  const body = Buffer.concat(await incoming.toArray());
  const { method = "GET", url = "/" } = incoming;
  // The answer shall be readable, so it is asked for without compression.
  const headers = { ...incoming.headers, "accept-encoding": "identity" };
  const onward = request(new URL(url, target), { method, headers });
  onward.end(body);
  const [response] = (await once(onward, "response")) as [IncomingMessage];
  outgoing.writeHead(response.statusCode ?? 502, response.headers);
  // The client of a watch waits for the headers before there is anything to tell.
  outgoing.flushHeaders();
  const pieces: Buffer[] = [];
  const finish = () =>
    done({
      method,
      url,
      headers: flat(incoming.headers),
      body,
      status: response.statusCode ?? 0,
      contentType: response.headers["content-type"] ?? "",
      answer: Buffer.concat(pieces),
    });
  outgoing.once("close", () => {
    finish();
    onward.destroy();
  });
  try {
    for await (const piece of response) {
      pieces.push(piece as Buffer);
      outgoing.write(piece);
    }
    finish();
    outgoing.end();
  } catch {
    outgoing.destroy();
  }
}

function flat(headers: IncomingMessage["headers"]): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
}
