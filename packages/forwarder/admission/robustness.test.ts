import { Agent, request } from "node:https";
import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type AdmissionWorld, dbPod, type RequestWish, reviewOf, startAdmissionWorld } from "../testing/admission.ts";

let world: AdmissionWorld;

beforeAll(async () => {
  world = await startAdmissionWorld();
});

beforeEach(() => world.reset());

afterAll(() => world.server.stop());

const send: AdmissionWorld["send"] = (...request) => world.send(...request);
const review: AdmissionWorld["review"] = (...request) => world.review(...request);

describe("a request that is none is answered clearly", () => {
  const refusals: readonly [string, string | Buffer, number, RegExp, RequestWish?][] = [
    ["no JSON", "{", 400, /not JSON/],
    ["nothing", "", 400, /not JSON/],
    ["bytes that are no text", Buffer.from([0xff, 0xfe, 0x00]), 400, /not JSON/],
    ["null", "null", 400, /not an AdmissionReview/],
    ["a list", "[]", 400, /not an AdmissionReview/],
    ["another kind", '{"apiVersion":"admission.k8s.io/v1","kind":"Pod"}', 400, /not an AdmissionReview/],
    [
      "another version",
      '{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"u"}}',
      400,
      /not of admission.k8s.io\/v1/,
    ],
    ["no request", '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}', 400, /has no request$/],
    ["no UID", reviewOf({ uid: undefined }), 400, /has no request.uid/],
    ["an empty UID", reviewOf({ uid: "" }), 400, /has no request.uid/],
    ["an endless UID", reviewOf({ uid: "u".repeat(300) }), 400, /has no request.uid/],
    ["an operation that is no text", reviewOf({ operation: 1 }), 400, /request.operation that is no text/],
    ["a namespace that is no text", reviewOf({ namespace: {} }), 400, /request.namespace that is no text/],
    ["a user that is none", reviewOf({ userInfo: "jane" }), 400, /request.userInfo that is none/],
    ["a user name that is no text", reviewOf({ userInfo: { username: 1 } }), 400, /request.userInfo that is none/],
    ["a resource that is none", reviewOf({ resource: "pods" }), 400, /request.resource that is none/],
    ["YAML by its content type", "{}", 415, /application\/json/, { headers: { "content-type": "application/yaml" } }],
    ["a body over the limit", `"${"x".repeat(8_000_000)}"`, 413, /at most 7340032 bytes/],
    ["another method", "", 405, /only POST/, { method: "PUT" }],
  ];

  test.each(refusals)("%s", async (_, body, status, message, wish) => {
    const answer = await send("/mutate-v1-pod", body, wish);

    expect(answer.status).toBe(status);
    expect(answer.body.message).toMatch(message);
    expect(world.logged).toEqual([]);
  });

  test("an unknown path", async () => {
    const answer = await send("/mutate", "{}");

    expect(answer).toMatchObject({ status: 404, body: { message: expect.stringContaining("/validate-v1-node") } });
  });

  test("a body over the limit that does not say how long it is", async () => {
    const wish = { headers: { "transfer-encoding": "chunked" } };

    expect((await send("/mutate-v1-pod", `"${"x".repeat(8_000_000)}"`, wish)).status).toBe(413);
  });

  test("a review of 4 MB is none of these", async () => {
    const object = { ...dbPod(), status: { filler: "x".repeat(4 * 1024 * 1024) } };

    expect(await review("/mutate-v1-pod", { operation: "CREATE", object })).toMatchObject({ allowed: true });
  });

  test.each<[string, unknown, string]>([
    ["/mutate-v1-pod", { metadata: { labels: "role=db" } }, "metadata.labels must be a map of texts"],
    ["/mutate-v1-pod", { spec: { containers: { name: "a" } } }, "spec.containers must be a list"],
    ["/mutate-v1-pod", null, "the object is missing"],
    ["/validate-v1-pod", undefined, "the object is missing"],
    ["/validate-v1-pod", { metadata: 7 }, "metadata must be an object"],
  ])("%s with %j as its object", async (path, object, problem) => {
    expect(await review(path, { operation: "CREATE", object })).toEqual({
      uid: "u-1",
      allowed: false,
      status: { code: 400, reason: "BadRequest", message: `the object cannot be judged: ${problem}` },
    });
  });

  test("a change without the object before it", async () => {
    for (const path of ["/validate-v1-pod", "/validate-v1-node"]) {
      const admission = { operation: "UPDATE", object: {}, oldObject: null };

      expect(await review(path, admission)).toMatchObject({ allowed: false, status: { code: 400 } });
    }
  });
});

describe("a connection that misbehaves does no harm", () => {
  const isServing = async () => (await send("/mutate-v1-pod", reviewOf({ operation: "DELETE" }))).status === 200;

  test("a body that ends before its length", async () => {
    const outgoing = request(world.optionsOf("/mutate-v1-pod", { headers: { "content-length": 100 } }));
    const closed = new Promise((resolve) => outgoing.on("error", resolve));
    outgoing.flushHeaders();
    outgoing.write("{", () => outgoing.destroy());
    await closed;

    await vi.waitFor(() => expect(world.requests).toEqual(["/mutate-v1-pod invalid true"]));
    expect(world.logged).toEqual([]);
    expect(await isServing()).toBe(true);
  });

  test("a client that does not speak TLS is let go", async () => {
    const closed = new Promise((resolve) => {
      const socket = connect(world.server.port, "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\n\r\n"));
      socket.on("error", resolve);
      socket.on("close", resolve);
    });
    await closed;

    expect(await isServing()).toBe(true);
  });

  test("a connection is kept for the next request", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: world.trusted, servername: "localhost" });
    const port = () =>
      new Promise((resolve, reject) => {
        const outgoing = request({ ...world.optionsOf("/mutate-v1-pod"), agent }, (response) => {
          const used = response.socket.localPort;
          response.resume().on("end", () => resolve(used));
        });
        outgoing.on("error", reject);
        outgoing.end(reviewOf({ operation: "DELETE" }));
      });

    const first = await port();
    expect(await port()).toBe(first);
    agent.destroy();
  });
});

test("more connections than may be open are closed at once, until one of them goes", async () => {
  const crowded = await startAdmissionWorld({ connectionsMax: 2, requestTimeoutMilliseconds: 60_000 });
  const open = () => {
    const socket = connect(crowded.server.port, "127.0.0.1")
      .on("error", () => {})
      .resume();
    const [connected, closed] = ["connect", "close"].map(
      (event) => new Promise((resolve) => socket.once(event, resolve)),
    );
    return { socket, connected, closed };
  };
  const [first, second] = [open(), open()];
  await Promise.all([first.connected, second.connected]);

  await open().closed;
  first.socket.destroy();
  await vi.waitFor(async () =>
    expect((await crowded.send("/mutate-v1-pod", reviewOf({ operation: "DELETE" }))).status).toBe(200),
  );
  expect(second.socket.destroyed).toBe(false);
  await crowded.server.stop();
});

describe("a client that takes too long is let go", () => {
  let hasty: AdmissionWorld;

  beforeAll(async () => {
    hasty = await startAdmissionWorld({ requestTimeoutMilliseconds: 500 });
  });

  afterAll(() => hasty.server.stop());

  test("in the middle of a body", async () => {
    const status = await new Promise((resolve, reject) => {
      const outgoing = request(hasty.optionsOf("/mutate-v1-pod", { headers: { "content-length": 100 } }), (response) =>
        resolve(response.statusCode),
      );
      outgoing.on("error", reject);
      outgoing.flushHeaders();
      outgoing.write("{");
    });

    expect(status).toBe(408);
    await vi.waitFor(() => expect(hasty.requests).toEqual(["/mutate-v1-pod invalid true"]));
  });

  test("before it has said anything", async () => {
    await new Promise((resolve) => connect(hasty.server.port, "127.0.0.1").resume().on("close", resolve));

    expect((await hasty.send("/mutate-v1-pod", "{")).status).toBe(400);
  });
});
