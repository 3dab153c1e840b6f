import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { Recorder, type SessionExchange } from "./support/recording/record.ts";
import type { RecordedCommand } from "./support/recording/recording.ts";
import { replay } from "./support/recording/replay.ts";
import { withoutVolatile } from "./support/recording/volatile.ts";
import { readXml } from "./support/recording/xml.ts";

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

let server: Server | undefined;

afterEach(async () => {
  server?.close();
  server = undefined;
});

/** A server that answers each URL as it is told, and 500 to what it does not know. */
async function serve(answers: Readonly<Record<string, Answer>>): Promise<string> {
  server = createServer((request, response) => {
    const { status, contentType, body } = answers[request.url ?? ""] ?? { ...json({}), status: 500 };
    response.writeHead(status, { "content-type": contentType }).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const json = (body: object, status = 200): Answer => ({
  ...{ status, contentType: "application/json", body: JSON.stringify(body) },
});

const xml = (body: string): Answer => ({ status: 200, contentType: "text/xml;charset=UTF-8", body });

/** What a command that got these answers is recorded as. */
function recorded(answers: readonly (Answer & { readonly url: string })[]): RecordedCommand {
  const exchanges = answers.map(
    ({ url, status, contentType, body }): SessionExchange => ({
      ...{ server: "kubernetes", method: "GET", url, headers: {}, body: Buffer.alloc(0) },
      ...{ status, contentType, answer: Buffer.from(body) },
    }),
  );
  return { command: "get", exitCode: 0, shown: [], steps: new Recorder({}).stepsOf(exchanges, false) };
}

/** The requests of a command whose answers are not the recorded ones. */
async function differing(command: RecordedCommand, answers: Readonly<Record<string, Answer>>): Promise<string[]> {
  const url = await serve(answers);
  const comparisons = await replay(command, { servers: { kubernetes: url, ec2: url }, values: new Map() });
  return comparisons
    .filter(({ recorded, answered }) => !isDeepStrictEqual(recorded, answered))
    .map((each) => each.request);
}

const uids = ["955bcc57-200d-4ec0-b083-9833a55eae7d", "e3ee82c0-12f6-43c6-ae9c-902cca45ef4b"] as const;

const pod = (changes: object = {}) => ({
  ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "green", uid: uids[0], labels: { role: "my-role" } } },
  ...{ status: { phase: "Running", podIP: "192.168.7.203", conditions: [{ type: "Ready", status: "True" }] } },
  ...changes,
});

const table = (rows: readonly (readonly (string | number)[])[], columns = ["Name", "Restarts", "Age"]) => ({
  ...{ apiVersion: "meta.k8s.io/v1", kind: "Table", columnDefinitions: columns.map((name) => ({ name })) },
  rows: rows.map((cells) => ({ cells })),
});

const interfaces = (...items: string[]) =>
  xml(`<?xml version="1.0"?><A xmlns="urn:a"><requestId>${uids[0]}</requestId><set>${items.join("")}</set></A>`);

const item = (id: string, status = "in-use") => `<item><id>${id}</id><status>${status}</status></item>`;
const enis = ["eni-0196d8398935170bb", "eni-09b1d849b489e4ae1"] as const;

describe("a replayed command", () => {
  const events = (message: string) => ({
    ...{ kind: "EventList", items: [{ type: "Normal", reason: "Started", message, source: { component: "kubelet" } }] },
  });

  test.each<[string, Answer, Answer]>([
    ["UID and address", json(pod()), json(pod({ metadata: { ...pod().metadata, uid: uids[1] } }))],
    ["age in a table", json(table([["green", 0, "5s"]])), json(table([["green", 0, "2m"]]))],
    [
      "order of interfaces",
      interfaces(item(enis[0]), item(enis[1], "x")),
      interfaces(item(enis[1], "x"), item(enis[0])),
    ],
    [
      "number of repeated log lines",
      { ...json({}), contentType: "text/plain", body: "a\n" },
      { ...json({}), contentType: "text/plain", body: "a\na\n" },
    ],
  ])("does not mind another %s", async (_, then, now) => {
    expect(await differing(recorded([{ ...then, url: "/a" }]), { "/a": now })).toEqual([]);
  });

  test.each<[string, Answer, Answer]>([
    ["status code", json(pod()), json(pod(), 201)],
    ["content type", json(pod()), { ...json(pod()), contentType: "application/yaml" }],
    ["field", json(pod()), json(pod({ status: { ...pod().status, phase: "Pending" } }))],
    ["missing field", json(pod()), json(pod({ status: {} }))],
    ["address that is none", json(pod()), json(pod({ status: { ...pod().status, podIP: "" } }))],
    ["cell", json(table([["green", 0, "5s"]])), json(table([["green", 1, "5s"]]))],
    ["number of rows", json(table([["green", 0, "5s"]])), json(table([]))],
    ["column", json(table([])), json(table([], ["Name", "Ready", "Age"]))],
    ["event", json(events("Started container a")), json(events("Started container b"))],
    ["number of interfaces", interfaces(item(enis[0]), item(enis[1])), interfaces(item(enis[0]))],
    ["state of an interface", interfaces(item(enis[0])), interfaces(item(enis[0], "available"))],
    ["kind of identifier", interfaces(item(enis[0])), interfaces(item("sg-0196d8398935170bb"))],
    [
      "log line",
      { ...json({}), contentType: "text/plain", body: "a\n" },
      { ...json({}), contentType: "text/plain", body: "b\n" },
    ],
  ])("notices another %s", async (_, then, now) => {
    expect(await differing(recorded([{ ...then, url: "/a" }]), { "/a": now })).toEqual(["GET /a"]);
  });

  test("asks for what an earlier answer of this run has named", async () => {
    const command = recorded([
      { ...json(pod()), url: "/pods/green" },
      { ...json(events("Started container a")), url: `/events?fieldSelector=involvedObject.uid%3D${uids[0]}` },
    ]);
    const metadata = { ...pod().metadata, uid: uids[1] };
    const answers = { "/pods/green": json(pod({ metadata })) };
    const selected = { [`/events?fieldSelector=involvedObject.uid%3D${uids[1]}`]: json(events("Started container a")) };

    expect(await differing(command, { ...answers, ...selected })).toEqual([]);
    server?.close();
    await expect(differing(command, answers)).resolves.toHaveLength(1);
  });
});

describe("a replayed wait", () => {
  const list = "/pods?fieldSelector=metadata.name%3Dgreen&limit=500&resourceVersion=0";
  const watch = (version: number) => `/pods?fieldSelector=metadata.name%3Dgreen&resourceVersion=${version}&watch=true`;
  const unready = pod({ status: { conditions: [{ type: "Ready", status: "False" }] } });
  const listed = (object: object, version: number) =>
    json({ kind: "PodList", metadata: { resourceVersion: String(version) }, items: [object] });
  const event = (type: string, object: object) => json({ type, object });
  const lines = (...events: Answer[]): Answer => ({
    ...json({}),
    body: events.map(({ body }) => `${body}\n`).join(""),
  });
  const command = recorded([
    { ...listed(unready, 7), url: list },
    { ...lines(event("MODIFIED", pod())), url: watch(7) },
  ]);
  const gone = recorded([
    { ...listed(pod(), 7), url: list },
    { ...lines(event("DELETED", pod())), url: watch(7) },
  ]);

  test("ends when the watch shows what the client waited for", async () => {
    const answers = {
      [list]: listed(unready, 9),
      [watch(9)]: lines(event("MODIFIED", unready), event("MODIFIED", pod())),
    };

    expect(await differing(command, answers)).toEqual([]);
  });

  test("ends at once when the object is there already, or is gone already", async () => {
    expect(await differing(command, { [list]: listed(pod(), 9) })).toEqual([]);
    server?.close();
    expect(await differing(gone, { [list]: json({ metadata: {}, items: [] }) })).toEqual([]);
  });

  test("notices a watch that never shows it", async () => {
    const answers = { [list]: listed(unready, 9), [watch(9)]: lines(event("MODIFIED", unready)) };

    expect(await differing(command, answers)).toHaveLength(1);
    server?.close();
    expect(await differing(gone, answers)).toHaveLength(1);
  });

  test("notices a watch that begins elsewhere than the list ended", async () => {
    expect(
      await differing(command, { [list]: listed(unready, 9), [watch(7)]: lines(event("MODIFIED", pod())) }),
    ).toHaveLength(1);
  });
});

test("names of every kind are replaced, and what looks like them is not", () => {
  expect(withoutVolatile(`my-deployment-7ck5kns4bf-9lr8t on ip-192-168-2-154.us-west-2.compute.internal`)).toBe(
    "my-deployment-<pod> on <host>",
  );
  expect(withoutVolatile('[{"eniId":"eni-0196d8398935170bb","vlanId":12,"subnetCidr":"192.168.0.0/18"}]')).toBe(
    '[{"eniId":"<eni>","vlanId":<vlan>,"subnetCidr":"192.168.0.0/18"}]',
  );
  expect(withoutVolatile("nginx:1.23 on 0.0.0.0, my-security-group-policy")).toBe(
    "nginx:1.23 on 0.0.0.0, my-security-group-policy",
  );
});

test("XML that does not close as it opens is refused", () => {
  expect(readXml("<a><b>1 &lt; 2</b><c/></a>")).toEqual({ a: { b: "1 < 2", c: "" } });
  expect(() => readXml("<a><b></a></b>")).toThrow("</a> closes nothing");
  expect(() => readXml("<a>")).toThrow("<a> is not closed");
});
