import { createServer, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { generate } from "selfsigned";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { WatchEnding } from "../ports/api.ts";
import { createHttpApi } from "./http-api.ts";

let server: Server;
let answer: (response: ServerResponse) => void;
let seen: { method?: string; url?: string; authorization?: string; contentType?: string; body: string }[];
let api: ReturnType<typeof createHttpApi>;

beforeEach(async () => {
  seen = [];
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { authorization, "content-type": contentType } = request.headers;
    seen.push({
      body,
      ...(request.method === undefined ? {} : { method: request.method }),
      ...(request.url === undefined ? {} : { url: request.url }),
      ...(authorization === undefined ? {} : { authorization }),
      ...(contentType === undefined ? {} : { contentType }),
    });
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const kubeConfig = new KubeConfig();
  const { port } = server.address() as AddressInfo;
  kubeConfig.loadFromClusterAndUser(
    { name: "c", server: `http://127.0.0.1:${port}/prefix`, skipTLSVerify: false },
    { name: "u", token: "secret" },
  );
  api = createHttpApi(kubeConfig);
});

afterEach(async () => {
  api.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const watched = (path = "/api/v1/pods?watch=true") => {
  const events: string[] = [];
  let close = () => {};
  const ended = new Promise<WatchEnding>((resolve) => {
    close = api.watch(path, {
      event: (type, object) => events.push(`${type} ${JSON.stringify(object)}`),
      ended: resolve,
    });
  });
  return { events, ended, close: () => close() };
};

test("a request carries the credentials, the path behind the server's own, and its body", async () => {
  answer = (response) => response.writeHead(200).end('{"a":1}');

  const got = await api.request({
    method: "PATCH",
    path: "/api/v1/nodes/n",
    contentType: "application/merge-patch+json",
    body: { b: "ü" },
  });

  expect(got).toEqual({ status: 200, body: { a: 1 } });
  expect(seen).toEqual([
    {
      method: "PATCH",
      url: "/prefix/api/v1/nodes/n",
      authorization: "Bearer secret",
      contentType: "application/merge-patch+json",
      body: '{"b":"ü"}',
    },
  ]);
});

test("a refusal is an answer, and a body that is no JSON is its message", async () => {
  answer = (response) => response.writeHead(503).end("overloaded");

  expect(await api.request({ method: "GET", path: "/" })).toEqual({ status: 503, body: { message: "overloaded" } });
});

test("a broken connection rejects", async () => {
  answer = (response) => response.destroy();

  await expect(api.request({ method: "GET", path: "/" })).rejects.toThrow();
});

test("a watch tells each line, also when it comes in pieces", async () => {
  answer = (response) => {
    response.writeHead(200);
    response.write('{"type":"ADDED","object":{"a":1}}\n{"type":"MODI');
    setImmediate(() => response.end('FIED","object":{"a":2}}\n'));
  };
  const { events, ended } = watched();

  expect(await ended).toEqual({});
  expect(events).toEqual(['ADDED {"a":1}', 'MODIFIED {"a":2}']);
});

test("a watch that is refused ends with the status", async () => {
  answer = (response) => response.writeHead(410).end("{}");

  expect(await watched().ended).toEqual({ status: 410 });
});

test("a watch that is reset ends, and half a line at its end is not told", async () => {
  answer = (response) =>
    response
      .writeHead(200)
      .write('{"type":"ADDED","object":{"a":1}}\n{"type":"ADDED","object":{"a":2}}', () => response.destroy());
  const { events, ended } = watched();

  expect(await ended).toEqual({});
  expect(events).toEqual(['ADDED {"a":1}']);
});

test.each(["nonsense", "[]", "null", '{"type":"ADDED"}', '{"type":"ADDED","object":{"a":1}}{"type":"ADDED"}'])(
  "a watch that tells %s ends, and says that it could not be understood",
  async (line) => {
    answer = (response) => void response.writeHead(200).write(`${line}\n{"type":"ADDED","object":{}}\n`);
    const { events, ended } = watched();

    expect(await ended).toEqual({ garbled: "a line that is no event" });
    expect(events).toEqual([]);
  },
);

test("a watch may be cut anywhere, inside a character too", async () => {
  const bytes = Buffer.from('{"type":"ADDED","object":{"name":"päd-🦊"}}\n');
  answer = (response) => {
    response.writeHead(200);
    for (const byte of bytes) response.write(Buffer.of(byte));
    response.end();
  };
  const { events, ended } = watched();

  await ended;
  expect(events).toEqual(['ADDED {"name":"päd-🦊"}']);
});

test.each([
  ["5", { retryAfterSeconds: 5 }],
  ["Wed, 21 Oct 2026 07:28:00 GMT", {}],
  ["-1", {}],
])("how long a refusal asks to wait is handed on when it is in seconds: %s", async (text, expected) => {
  answer = (response) => response.writeHead(429, { "retry-after": text }).end("{}");

  expect(await watched().ended).toEqual({ status: 429, ...expected });
  expect(await api.request({ method: "GET", path: "/" })).toEqual({ status: 429, body: {}, ...expected });
});

test("a watch that was closed tells nothing more", async () => {
  let open: ServerResponse | undefined;
  const opened = new Promise<void>((resolve) => {
    answer = (response) => {
      open = response;
      response.writeHead(200).write('{"type":"ADDED","object":{}}\n', () => resolve());
    };
  });
  const watch = watched();
  await opened;
  const closed = new Promise((resolve) => open?.on("close", resolve));

  watch.close();
  await closed;

  expect(open?.writableEnded).toBe(false);
  await expect(Promise.race([watch.ended, Promise.resolve("still open")])).resolves.toBe("still open");
});

test("HTTPS trusts the authority of the kubeconfig and no other", async () => {
  const made = await generate([{ name: "commonName", value: "localhost" }], {
    keySize: 2048,
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] },
    ],
  });
  const secure = createHttpsServer({ key: made.private, cert: made.cert }, (_, response) => response.end("{}"));
  await new Promise<void>((resolve) => secure.listen(0, "127.0.0.1", resolve));
  const get = async (caData?: string) => {
    const kubeConfig = new KubeConfig();
    const { port } = secure.address() as AddressInfo;
    const cluster = { name: "c", server: `https://127.0.0.1:${port}`, skipTLSVerify: false };
    kubeConfig.loadFromClusterAndUser(caData === undefined ? cluster : { ...cluster, caData }, { name: "u" });
    const client = createHttpApi(kubeConfig);
    return client.request({ method: "GET", path: "/" }).finally(() => client.close());
  };

  expect(await get(Buffer.from(made.cert).toString("base64"))).toEqual({ status: 200, body: {} });
  await expect(get()).rejects.toThrow("self-signed");

  await new Promise((resolve) => secure.close(resolve));
});

test("a kubeconfig without a cluster is a mistake", () => {
  expect(() => createHttpApi(new KubeConfig())).toThrow("names no current cluster");
});
