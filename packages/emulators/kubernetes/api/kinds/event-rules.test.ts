import { beforeEach, describe, expect, test } from "vitest";
import type { ApiAccess, KubernetesObject } from "../../ports.ts";
import { coreRef, testCluster } from "../testing.ts";

let api: ApiAccess;
beforeEach(async () => {
  ({ api } = await testCluster());
});

function coreEvent(change: object = {}, namespace = "default"): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "e", namespace },
    involvedObject: { kind: "Pod", name: "p", namespace: "default" },
    reason: "Told",
    message: "something",
    type: "Normal",
    firstTimestamp: "2026-11-20T12:00:00Z",
    ...change,
  };
}

/** A core event of the newer kind, which says when it happened to the microsecond. */
const TIMED = {
  eventTime: "2026-11-20T12:00:00.000000Z",
  action: "Tell",
  reportingComponent: "example.com/teller",
  reportingInstance: "teller-0",
};

function newEvent(change: object = {}): KubernetesObject {
  return {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name: "e", namespace: "default" },
    regarding: { kind: "Pod", name: "p", namespace: "default" },
    reason: "Told",
    note: "something",
    type: "Normal",
    eventTime: "2026-11-20T12:00:00.000000Z",
    action: "Tell",
    reportingController: "example.com/teller",
    reportingInstance: "teller-0",
    ...change,
  };
}

describe("a core event", () => {
  test("stands in the namespace of the object that it is about", async () => {
    const other = { kind: "Pod", name: "p", namespace: "kube-system" };
    const refused = api.create(coreEvent({ involvedObject: other }));
    await expect(refused).rejects.toThrow(
      'Event "e" is invalid: involvedObject.namespace: Invalid value: "kube-system": does not match event.namespace',
    );
    await expect(refused).rejects.toMatchObject({ code: 422, reason: "Invalid" });
  });

  test("about an object of the cluster stands in default, and only there", async () => {
    const involvedObject = { kind: "Node", name: "n" };
    await expect(api.create(coreEvent({ involvedObject }, "kube-system"))).rejects.toMatchObject({ code: 422 });
    await expect(api.create(coreEvent({ involvedObject }))).resolves.toMatchObject({ reason: "Told" });
  });

  test("is checked again when it changes", async () => {
    await api.create(coreEvent());
    const body = { involvedObject: { namespace: "kube-system" } };
    await expect(api.patch(coreRef("events", "e"), { type: "merge", body })).rejects.toMatchObject({ code: 422 });
  });

  test("may have a message of any length, and no type, while it has no eventTime", async () => {
    const created = await api.create(coreEvent({ message: "m".repeat(2_000), type: undefined }));
    expect(created.type).toBeUndefined();
  });

  test.each<[object, string]>([
    [{ reportingComponent: "" }, "reportingController: Required value"],
    [{ reportingComponent: "not a name" }, 'reportingController: Invalid value: "not a name"'],
    [{ reportingInstance: "" }, "reportingInstance: Required value"],
    [{ reportingInstance: "i".repeat(129) }, 'reportingInstance: Invalid value: "": can have at most 128 characters'],
    [{ action: undefined }, "action: Required value"],
    [{ action: "a".repeat(129) }, 'action: Invalid value: "": can have at most 128 characters'],
    [{ reason: "" }, "reason: Required value"],
    [{ reason: "r".repeat(129) }, 'reason: Invalid value: "": can have at most 128 characters'],
    [{ message: "m".repeat(1_025) }, 'message: Invalid value: "": can have at most 1024 characters'],
  ])("with an eventTime is refused: case %#", async (change, text) => {
    await expect(api.create(coreEvent({ ...TIMED, ...change }))).rejects.toThrow(text);
  });

  test("with an eventTime may tell of an object of the cluster in kube-system", async () => {
    const involvedObject = { kind: "Node", name: "n" };
    const created = await api.create(coreEvent({ ...TIMED, involvedObject }, "kube-system"));
    expect(created.action).toBe("Tell");
  });
});

describe("an event of events.k8s.io", () => {
  test("is created and its series changes", async () => {
    await api.create(newEvent());
    const ref = { group: "events.k8s.io", resource: "events", namespace: "default", name: "e" };
    const series = { count: 2, lastObservedTime: "2026-11-20T12:01:00.000000Z" };
    const changed = await api.patch(ref, { type: "merge", body: { series } });
    expect(changed.series).toEqual(series);
    await expect(api.patch(ref, { type: "merge", body: { note: "else" } })).rejects.toThrow(
      'message: Invalid value: "else": field is immutable',
    );
    await expect(api.patch(ref, { type: "merge", body: { series: { count: 1 } } })).rejects.toThrow(
      'series.count: Invalid value: "": should be at least 2',
    );
  });

  test.each([
    [{ eventTime: undefined }, "eventTime: Required value"],
    [{ type: "Bad" }, 'type: Invalid value: "": has invalid value: Bad'],
    [{ deprecatedFirstTimestamp: "2026-11-20T12:00:00Z" }, 'firstTimestamp: Invalid value: "": needs to be unset'],
    [{ deprecatedLastTimestamp: "2026-11-20T12:00:00Z" }, 'lastTimestamp: Invalid value: "": needs to be unset'],
    [{ deprecatedCount: 1 }, 'count: Invalid value: "": needs to be unset'],
    [{ deprecatedSource: { component: "x" } }, 'source: Invalid value: "": needs to be unset'],
  ])("is refused with %j", async (change, text) => {
    await expect(api.create(newEvent(change))).rejects.toThrow(text);
  });
});
