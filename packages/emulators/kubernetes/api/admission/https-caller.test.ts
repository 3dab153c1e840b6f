import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { generate } from "selfsigned";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type HttpsCaller, httpsCaller } from "./https-caller.ts";

const SERVER_NAME = "forwarder.kube-system.svc";
let server: Server;
let port: number;
let caBundle: string;
let answer: (path: string) => { status: number; body: string } | undefined = () => undefined;
let caller: HttpsCaller;

beforeAll(async () => {
  const names = [{ type: 2 as const, value: SERVER_NAME }];
  const certificate = await generate([{ name: "commonName", value: SERVER_NAME }], {
    extensions: [{ name: "subjectAltName", altNames: names }],
  });
  caBundle = Buffer.from(certificate.cert).toString("base64");
  server = createServer({ key: certificate.private, cert: certificate.cert }, (request, response) => {
    const given = answer(request.url ?? "");
    // Without an answer the caller waits in vain.
    if (given === undefined) return;
    response.statusCode = given.status;
    response.end(given.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
  caller = httpsCaller((service) => (service.name === "forwarder" ? { host: "127.0.0.1", port } : undefined));
});

afterAll(async () => {
  caller.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function service(name: string) {
  return { service: { namespace: "kube-system", name, port: 443, path: "/mutate-v1-pod" } };
}

describe("the HTTPS caller", () => {
  test("finds a service, checks that its certificate names it, and says how long it waits", async () => {
    const paths: string[] = [];
    answer = (path) => {
      paths.push(path);
      return { status: 200, body: '{"ok":true}' };
    };
    const called = await caller.call({ target: service("forwarder"), caBundle, timeoutSeconds: 5, body: {} });
    expect(called).toEqual({ ok: true });
    expect(paths).toEqual(["/mutate-v1-pod?timeout=5s"]);
  });

  test("does not trust a certificate that the bundle does not vouch for", async () => {
    answer = () => ({ status: 200, body: "{}" });
    const call = { target: service("forwarder"), caBundle: undefined, timeoutSeconds: 5, body: {} };
    await expect(caller.call(call)).rejects.toThrow("tls: failed to verify certificate: x509:");
  });

  test("does not trust a certificate of another name", async () => {
    const call = { target: { url: `https://localhost:${port}/x` }, caBundle, timeoutSeconds: 5, body: {} };
    await expect(caller.call(call)).rejects.toThrow("tls: failed to verify certificate: x509:");
  });

  test("gives up after the time limit", async () => {
    answer = () => undefined;
    const call = { target: service("forwarder"), caBundle, timeoutSeconds: 0.05, body: {} };
    await expect(caller.call(call)).rejects.toThrow("context deadline exceeded");
  });

  test("says what happened when the service is unknown, refuses, or answers an error", async () => {
    const call = { target: service("forwarder"), caBundle, timeoutSeconds: 5, body: {} };
    await expect(caller.call({ ...call, target: service("nobody") })).rejects.toThrow('service "nobody" not found');
    const nobody = { url: "https://127.0.0.1:1/x" };
    await expect(caller.call({ ...call, target: nobody })).rejects.toThrow(
      "dial tcp 127.0.0.1:1: connect: connection refused",
    );
    answer = () => ({ status: 503, body: "not ready" });
    await expect(caller.call(call)).rejects.toThrow('an error on the server ("not ready")');
  });
});
