import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Body, createBodyReader } from "./body.ts";

let server: Server;
let bodies: Promise<Body>[];
let isHeard: () => void;

beforeEach(async () => {
  const read = createBodyReader({ bytesMax: 100, bytesMaxTogether: 150 });
  bodies = [];
  server = createServer((incoming, response) => {
    const body = read(incoming);
    bodies.push(body);
    incoming.once("data", () => isHeard());
    void body.then(({ result }) => response.end(result));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Sends the first part of a body, and resolves when it has arrived. */
const begin = async (text: string) => {
  const { port } = server.address() as AddressInfo;
  const heard = new Promise<void>((resolve) => {
    isHeard = resolve;
  });
  const outgoing = request({ host: "127.0.0.1", port, method: "POST" }).on("error", () => {});
  outgoing.write(text);
  await heard;
  return outgoing;
};

test("a body is read in parts", async () => {
  const outgoing = await begin("a".repeat(50));
  outgoing.end("b".repeat(50));

  expect(await bodies[0]).toEqual({ result: "read", text: "a".repeat(50) + "b".repeat(50) });
});

test("a body that grows over its limit is too long, however it goes on", async () => {
  const outgoing = await begin("a".repeat(50));
  outgoing.write("b".repeat(51));
  outgoing.end("c".repeat(1_000));

  expect(await bodies[0]).toEqual({ result: "too-long" });
});

test("bodies that are too much together are turned away, and taken again when there is room", async () => {
  const first = await begin("a".repeat(100));
  const second = await begin("b".repeat(51));
  second.end();

  expect(await bodies[1]).toEqual({ result: "busy" });
  first.end();
  expect(await bodies[0]).toMatchObject({ result: "read" });
  const third = await begin("c".repeat(100));
  third.end();
  expect(await bodies[2]).toMatchObject({ result: "read" });
});

test("a body that breaks off leaves its room to others", async () => {
  const first = await begin("a".repeat(100));
  first.destroy();

  expect(await bodies[0]).toEqual({ result: "broken" });
  const second = await begin("b".repeat(100));
  second.end();
  expect(await bodies[1]).toMatchObject({ result: "read" });
});
