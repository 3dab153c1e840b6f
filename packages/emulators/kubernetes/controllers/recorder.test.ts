import { expect, test } from "vitest";
import { createRecorder } from "./recorder.ts";
import { createMemoryApi } from "./testing/memory-api.ts";
import { createVirtualClock } from "./testing/virtual-clock.ts";
import { pod } from "./testing/world.ts";

function createWorld() {
  const clock = createVirtualClock();
  const api = createMemoryApi(clock);
  const errors: unknown[] = [];
  return { clock, api, errors, recorder: createRecorder(api, clock, (error) => void errors.push(error)) };
}

const about = pod("web");

test("an event names its object, its source and its time", async () => {
  const { api, clock, recorder } = createWorld();

  recorder.tell({ about, type: "Normal", reason: "Pulled", message: "there", component: "kubelet", host: "node-1" });
  await clock.advance(1);

  expect(api.all("events")).toMatchObject([
    {
      involvedObject: { kind: "Pod", namespace: "default", name: "web" },
      reason: "Pulled",
      message: "there",
      type: "Normal",
      source: { component: "kubelet", host: "node-1" },
      firstTimestamp: "2026-01-01T00:00:00Z",
      count: 1,
    },
  ]);
});

test("repeats are one event with a count and the last message", async () => {
  const { api, clock, recorder } = createWorld();
  const tell = (message: string) =>
    recorder.tell({ about, type: "Warning", reason: "Failed", message, component: "kubelet", aggregateBy: "same" });

  tell("sandbox 1");
  await clock.advance(1_000);
  tell("sandbox 2");
  await clock.advance(1_000);
  tell("sandbox 3");
  await clock.advance(1_000);

  expect(api.all("events")).toMatchObject([
    { count: 3, message: "sandbox 3", firstTimestamp: "2026-01-01T00:00:00Z", lastTimestamp: "2026-01-01T00:00:02Z" },
  ]);
});

test("an event on a node carries the node's name as UID, where kubectl looks for it", async () => {
  const { api, clock, recorder } = createWorld();
  const node = { apiVersion: "v1", kind: "Node", metadata: { name: "node-1", uid: "123" } };

  recorder.tell({ about: node, type: "Normal", reason: "Starting", message: "up", component: "kubelet" });
  await clock.advance(1);

  expect(api.all("events")).toMatchObject([
    { metadata: { namespace: "default" }, involvedObject: { name: "node-1", uid: "node-1" } },
  ]);
});

test("an event that somebody deleted begins again when it recurs, without an error", async () => {
  const { api, clock, recorder, errors } = createWorld();
  const tell = () => recorder.tell({ about, type: "Normal", reason: "Pulled", message: "there", component: "kubelet" });

  tell();
  await clock.advance(1);
  const [event] = api.all("events");
  await api
    .as("test")
    .delete({ group: "", resource: "events", namespace: "default", name: event?.metadata.name ?? "" });
  tell();
  await clock.advance(1);
  tell();
  await clock.advance(1);

  expect(api.all("events")).toMatchObject([{ count: 1 }]);
  expect(errors).toEqual([]);
});
