import { request } from "node:http";
import { networkInterfaces } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { createPrometheus, type Prometheus } from "./prometheus.ts";
import { type Check, type OperationsServer, startOperations } from "./server.ts";

let server: OperationsServer | undefined;
let prometheus: Prometheus;

afterEach(async () => {
  await server?.stop();
  prometheus.close();
});

const start = async (checks: { health?: readonly Check[]; readiness?: readonly Check[] }, collect = () => {}) => {
  prometheus = createPrometheus();
  server = await startOperations({
    host: "127.0.0.1",
    port: 0,
    health: checks.health ?? [],
    readiness: checks.readiness ?? [],
    prometheus,
    collect,
  });
};
const ask = async (path: string, method = "GET") => {
  const answer = await fetch(`http://127.0.0.1:${server?.port}${path}`, { method });
  return { status: answer.status, text: await answer.text(), type: answer.headers.get("content-type") };
};

describe.each([
  ["/healthz", "health"],
  ["/readyz", "readiness"],
] as const)("%s", (path, kind) => {
  const fine: Check = { name: "copies", problem: () => undefined };
  const broken: Check = { name: "queues", problem: () => "never reached: outcomes" };

  test("answers 200 when every check holds", async () => {
    await start({ [kind]: [fine] });

    expect(await ask(path)).toMatchObject({ status: 200, text: "ok\n" });
    expect(await ask(`${path}?verbose`)).toMatchObject({ status: 200, text: "[+]copies ok\nok\n" });
  });

  test("answers 503 and says why when one does not", async () => {
    await start({ [kind]: [fine, broken] });

    expect(await ask(path)).toMatchObject({
      status: 503,
      text: "[+]copies ok\n[-]queues failed: never reached: outcomes\nnot ok\n",
    });
  });

  test("shows what has no part in the answer", async () => {
    await start({ [kind]: [fine, { ...broken, isOnlyShown: true }] });

    expect(await ask(path)).toMatchObject({ status: 200, text: "ok\n" });
    expect((await ask(`${path}?verbose`)).text).toContain("[!]queues: never reached: outcomes\n");
  });
});

test("metrics are told in Prometheus's form, what is only counted on request included", async () => {
  await start({}, () => prometheus.metrics.set("trunkline_objects", { collection: "pods" }, 7));
  prometheus.metrics.count("trunkline_terms_total", { change: "elected" });
  prometheus.metrics.observe("trunkline_pod_bound_to_annotated_seconds", {}, 0.7);

  const { status, text, type } = await ask("/metrics");

  expect(status).toBe(200);
  expect(type).toContain("text/plain");
  expect(text).toContain('trunkline_objects{collection="pods"} 7');
  expect(text).toContain('trunkline_terms_total{change="elected"} 1');
  expect(text).toContain('trunkline_pod_bound_to_annotated_seconds_bucket{le="0.5"} 0');
  expect(text).toContain('trunkline_pod_bound_to_annotated_seconds_bucket{le="1"} 1');
  expect(text).toContain("process_resident_memory_bytes");
});

test("two forwarders in one process do not share their metrics", async () => {
  await start({});
  const other = createPrometheus();
  other.metrics.count("trunkline_terms_total", { change: "elected" });

  expect((await ask("/metrics")).text).not.toContain('trunkline_terms_total{change="elected"}');
  other.close();
});

test("metrics that cannot be told are an answer, not a crash", async () => {
  await start({}, () => {
    throw new Error("no");
  });

  expect((await ask("/metrics")).status).toBe(500);
  expect((await ask("/healthz")).status).toBe(200);
});

test("what is not there is named, and only reading is allowed", async () => {
  await start({});

  expect(await ask("/")).toMatchObject({ status: 404, text: "only /healthz, /readyz and /metrics\n" });
  expect((await ask("/healthz", "POST")).status).toBe(405);
});

test.each(["//", "http://[", "http://a:99999/", "*"])("the target %s is an answer, not a crash", async (path) => {
  await start({});
  const status = await new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port: server?.port, path }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on("error", reject).end();
  });

  expect(status).toBe(404);
  expect((await ask("/healthz")).status).toBe(200);
});

test("without a host it listens on IPv4 and on IPv6, as pods of either kind of cluster need it", async () => {
  prometheus = createPrometheus();
  server = await startOperations({ port: 0, health: [], readiness: [], prometheus, collect: () => {} });
  const hasIpv6 = Object.values(networkInterfaces())
    .flat()
    .some((found) => found?.address === "::1");
  const hosts = hasIpv6 ? ["127.0.0.1", "[::1]"] : ["127.0.0.1"];

  for (const host of hosts) expect((await fetch(`http://${host}:${server.port}/healthz`)).status).toBe(200);
});

test("a port that is taken is an error", async () => {
  await start({});

  await expect(
    startOperations({
      host: "127.0.0.1",
      port: server?.port ?? 0,
      health: [],
      readiness: [],
      prometheus,
      collect: () => {},
    }),
  ).rejects.toThrow("EADDRINUSE");
});
