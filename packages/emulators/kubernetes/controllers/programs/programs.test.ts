import { expect, test } from "vitest";
import { coreDnsManifests } from "../index.ts";
import type { Container, Pod } from "../objects.ts";
import { deployment, pod, startTestCluster, type TestWorld } from "../testing/world.ts";
import { programOf } from "./registry.ts";

const DATABASE = "10.0.9.9";

function logOf({ controllers }: TestWorld, name: string): string[] {
  return controllers.logs.lines("default", name, "main") ?? [];
}

function service(name: string, clusterIP: string, port: number, targetPort: number) {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: { selector: { app: name }, clusterIP, ports: [{ port, targetPort, protocol: "TCP" }] },
  };
}

/** A cluster with CoreDNS, the Service `my-app` in front of two web servers, and a database outside. */
async function startWorld(): Promise<TestWorld> {
  const resolveExternal = (host: string) => (host === "db.example.com" ? DATABASE : undefined);
  const listeners = (address: string, port: number) => address === DATABASE && port === 5432;
  const world = await startTestCluster(2, { listeners, resolveExternal });
  const [account, dns, dnsService] = coreDnsManifests(1);
  const withAddress = { ...(dnsService?.spec as object), clusterIP: "172.20.0.10" };
  if (account === undefined || dns === undefined || dnsService === undefined)
    throw new Error("CoreDNS has three objects");
  await world.apply(account, dns, { ...dnsService, spec: withAddress });
  await world.apply(service("my-app", "172.20.0.80", 80, 8080));
  await world.apply(deployment("my-app", 2, { ports: [{ containerPort: 8080 }] }));
  await world.clock.advance(2_000);
  return world;
}

function client(name: string, host: string) {
  const env = [
    { name: "HOST", value: host },
    { name: "DBNAME", value: "shop" },
  ];
  return pod(name, { image: "database-client", env });
}

function curl(name: string, targets: string, spec: object = { nodeName: "node-1" }) {
  return pod(name, { image: "curlimages/curl:8.16.0", env: [{ name: "TARGETS", value: targets }] }, spec);
}

function addressOf(world: TestWorld, prefix: string): string {
  return world.pods(prefix)[0]?.status?.podIP ?? "";
}

test("a database client logs the rows, or that its connection timed out when its groups do not fit", async () => {
  const world = await startWorld();
  await world.apply(client("green", DATABASE), client("red", DATABASE));
  await world.clock.advance(1_000);
  world.network.dropped.add(`${addressOf(world, "red")} * 5432`);
  await world.clock.advance(10_000);

  expect(logOf(world, "green")).toContain("Database connection successful");
  expect(logOf(world, "green").at(-2)).toBe("  1 | Hello from PostgreSQL");
  expect(logOf(world, "red").at(-1)).toBe("Database connection failed due to timeout expired");
});

test("a database client resolves the name of its database", async () => {
  const world = await startWorld();

  await world.apply(client("known", "db.example.com"), client("unknown", "db.example.org"));
  await world.clock.advance(2_000);

  expect(logOf(world, "known")).toContain("Database connection successful");
  expect(logOf(world, "unknown")[0]).toContain('could not translate host name "db.example.org"');
});

test("without port 53 to CoreDNS names are not resolved, while addresses still answer", async () => {
  const world = await startWorld();
  const target = addressOf(world, "my-app");
  await world.apply(curl("asking", `http://my-app,http://${target}:8080`));
  await world.clock.advance(3_000);
  const before = logOf(world, "asking").slice(-2);

  const asking = addressOf(world, "asking");
  const dns = world.pods("coredns")[0];
  const moved = dns?.spec.nodeName === "node-1" ? "node-2" : "node-1";
  await world.access.delete({ group: "", resource: "pods", namespace: "default", name: "asking" });
  await world.clock.advance(1_000);
  await world.apply(curl("again", `http://my-app,http://${target}:8080`, { nodeName: moved }));
  await world.clock.advance(1_000);
  world.network.dropped.add(`* ${addressOf(world, "coredns")} 53`);
  await world.clock.advance(3_000);

  expect(asking).not.toBe("");
  expect(before).toEqual(["Welcome to my-app", "Welcome to my-app"]);
  expect(logOf(world, "again").slice(-2)).toEqual(["curl: (6) Could not resolve host: my-app", "Welcome to my-app"]);
});

test("a Service leads to the target port of its pods, whose groups decide", async () => {
  const world = await startWorld();
  const [first, second] = world.pods("my-app");
  const nodeName = first?.spec.nodeName ?? "";
  await world.apply(curl("asking", "my-app.default.svc.cluster.local", { nodeName }));
  await world.clock.advance(1_000);
  for (const { status } of world.pods("my-app")) world.network.dropped.add(`* ${status?.podIP} 8080`);

  await world.clock.advance(60_000);

  const lines = new Set(logOf(world, "asking"));
  // The neighbour on the same node answers whatever the groups say.
  expect(second?.spec.nodeName).not.toBe(nodeName);
  expect(lines).toEqual(new Set(["Welcome to my-app", "curl: (28) Connection timed out after 5001 milliseconds"]));
});

test("a Service without ready pods and a port that nobody listens on refuse", async () => {
  const world = await startWorld();
  await world.apply(service("empty", "172.20.0.81", 80, 80));

  await world.apply(curl("asking", `empty,${addressOf(world, "my-app")}:9`));
  await world.clock.advance(1_000);

  expect(logOf(world, "asking")).toEqual([
    "curl: (7) Failed to connect to empty port 80 after 0 ms: Could not connect to server",
    `curl: (7) Failed to connect to ${addressOf(world, "my-app")} port 9 after 0 ms: Could not connect to server`,
  ]);
});

test("a curl that is not restarted asks once and ends with curl's exit code", async () => {
  const world = await startWorld();

  await world.apply(curl("once", "nobody", { restartPolicy: "Never" }));
  await world.clock.advance(2_000);

  expect(logOf(world, "once")).toEqual(["curl: (6) Could not resolve host: nobody"]);
  expect(world.pods("once")[0]?.status).toMatchObject({
    phase: "Failed",
    containerStatuses: [{ state: { terminated: { exitCode: 6 } } }],
  });
});

test("the lines of a container can be followed", async () => {
  const world = await startWorld();
  await world.apply(client("green", DATABASE));
  await world.clock.advance(1_000);
  const followed: string[] = [];
  const stop = world.controllers.logs.follow?.("default", "green", "main", (line) => void followed.push(line));

  await world.clock.advance(5_000);
  stop?.();
  const seen = followed.length;
  await world.clock.advance(5_000);

  expect(followed).toContain("Database connection successful");
  expect(followed).toHaveLength(seen);
});

function nameFor(container: Partial<Container>): string {
  const whole = { name: "main", image: "busybox", ...container };
  return programOf(whole, pod("p") as Pod, []).name;
}

test.each([
  ["nginx", {}, "web-server"],
  ["registry.example.com/team/nginx:1.29", {}, "web-server"],
  ["anything", { ports: [{ containerPort: 8080 }] }, "web-server"],
  ["curlimages/curl", { args: ["http://my-app"] }, "curl-loop"],
  ["busybox", { command: ["sh", "-c", "while true; do curl -s http://my-app; sleep 1; done"] }, "curl-loop"],
  ["busybox", { command: ["sleep", "3600"] }, "script"],
  ["pause", {}, "unknown-workload"],
])("the image %s with %j runs as %s", (image, container, program) => {
  expect(nameFor({ image, ...container })).toBe(program);
});

test("a script prints, waits and ends with its code", async () => {
  const world = await startTestCluster(1);
  const command = ["sh", "-c", 'echo "hello world"; sleep 20; exit 4'];

  await world.apply(pod("a", { image: "busybox", command }, { restartPolicy: "Never" }));
  await world.clock.advance(15_000);
  const during = world.pods("a")[0]?.status?.phase;
  await world.clock.advance(10_000);

  expect(logOf(world, "a")).toEqual(["hello world"]);
  expect([during, world.pods("a")[0]?.status?.phase]).toEqual(["Running", "Failed"]);
});

test("seconds of a manifest last as long as the world says", async () => {
  const world = await startTestCluster(1, { secondMs: 10 });

  await world.apply(pod("a", { image: "busybox", command: ["sleep", "100"] }, { restartPolicy: "Never" }));
  await world.clock.advance(1_200);

  expect(world.pods("a")[0]?.status?.phase).toBe("Succeeded");
});

test("a program of the world is asked before the built-in ones", async () => {
  const printer = {
    name: "printer",
    matches: ({ image }: Container) => image === "printer",
    listens: () => [],
    start: () => 0,
    step: (state: unknown) => ({ state: Number(state) + 1, lines: [`page ${state}`], next: { afterSeconds: 1 } }),
  };
  const world = await startTestCluster(1, { programs: [printer] });

  await world.apply(pod("a", { image: "printer", ports: [{ containerPort: 80 }] }));
  await world.clock.advance(3_000);

  expect(logOf(world, "a").slice(0, 2)).toEqual(["page 0", "page 1"]);
});
