import { beforeEach, describe, expect, test } from "vitest";
import type { ApiRequest } from "../ports/api.ts";
import { createFakeApi, type FakeApi } from "../testing/fake-api.ts";
import { createRecordedMetrics, type RecordedMetrics } from "../testing/recorded-metrics.ts";
import { createVirtualClock, type VirtualClock } from "../testing/virtual-clock.ts";
import { createMeteredApi, type MeteredApi } from "./metered-api.ts";

let fake: FakeApi;
let metrics: RecordedMetrics;
let clock: VirtualClock;
let api: MeteredApi;

beforeEach(() => {
  fake = createFakeApi();
  metrics = createRecordedMetrics();
  clock = createVirtualClock();
  api = createMeteredApi(fake, clock, metrics);
});

const any = () => true;
const list: ApiRequest = { method: "GET", path: "/api/v1/pods?limit=500" };

describe("requests", () => {
  test("are counted by method and status", async () => {
    await api.request(list);
    fake.failNext(any, { status: 503, body: {} });
    await api.request(list);
    fake.failNext(any, new Error("no route"));
    await expect(api.request(list)).rejects.toThrow("no route");

    expect(metrics.value("rest_client_requests_total", { method: "GET", code: "200" })).toBe(1);
    expect(metrics.value("rest_client_requests_total", { method: "GET", code: "503" })).toBe(1);
    expect(metrics.value("rest_client_requests_total", { method: "GET", code: "<error>" })).toBe(1);
  });

  test("are lists when they name a collection, and are counted by their result", async () => {
    await api.request(list);
    fake.failNext(any, { status: 503, body: {} });
    await api.request(list);
    fake.failNext(any, new Error("no route"));
    await expect(api.request(list)).rejects.toThrow("no route");
    await api.request({ method: "GET", path: "/api/v1/namespaces/kube-system/configmaps?limit=500" });
    await api.request({ method: "GET", path: "/api/v1/namespaces/a/pods/b" });
    await api.request({ method: "GET", path: "/api/v1/namespaces/kube-system" });

    const lists = (collection: string, result: string) =>
      metrics.value("trunkline_lists_total", { collection, result });
    expect([lists("pods", "ok"), lists("pods", "refused"), lists("pods", "failed")]).toEqual([1, 1, 1]);
    expect(lists("configmaps", "ok")).toBe(1);
  });

  test("that are refused because the pod has changed are conflicts of the annotation", async () => {
    const patch: ApiRequest = {
      method: "PATCH",
      path: "/api/v1/namespaces/a/pods/b",
      contentType: "application/json-patch+json",
      body: [],
    };
    fake.failNext(any, { status: 422, body: {} });
    await api.request(patch);
    fake.failNext(any, { status: 409, body: {} });
    await api.request(patch);
    fake.failNext(any, { status: 409, body: {} });
    await api.request({ ...patch, contentType: "application/merge-patch+json", body: {} });

    expect(metrics.value("trunkline_annotation_conflicts_total")).toBe(2);
  });
});

describe("the Go controller's counters", () => {
  const key = { annotate_key: "vpc.amazonaws.com/pod-eni" };
  const resource = { resource_name: "vpc.amazonaws.com/pod-eni" };
  const send = async (request: ApiRequest) => {
    for (const status of [200, 422]) {
      fake.failNext(any, { status, body: {} });
      await api.request(request);
    }
    fake.failNext(any, new Error("no route"));
    await expect(api.request(request)).rejects.toThrow("no route");
  };

  test("count requests that write the annotation, and those that fail", async () => {
    await send({ method: "PATCH", path: "/api/v1/namespaces/a/pods/b", contentType: "application/json-patch+json" });

    expect(metrics.value("annotate_pod_request_call_count", key)).toBe(3);
    expect(metrics.value("annotate_pod_request_err_count", key)).toBe(2);
    expect(metrics.value("advertise_resource_request_call_count", resource)).toBeUndefined();
  });

  test("count requests that write a capacity, and those that fail", async () => {
    await send({ method: "PATCH", path: "/api/v1/nodes/a/status", contentType: "application/merge-patch+json" });
    await api.request({ method: "PATCH", path: "/api/v1/nodes/a", contentType: "application/merge-patch+json" });

    expect(metrics.value("advertise_resource_request_call_count", resource)).toBe(3);
    expect(metrics.value("advertise_resource_request_err_count", resource)).toBe(2);
    expect(metrics.value("annotate_pod_request_call_count", key)).toBeUndefined();
  });
});

describe("watches", () => {
  test("from which nothing is heard and that nobody opens again are named", async () => {
    api.watch("/api/v1/pods?watch=true", { event: () => {}, ended: () => {} });
    api.watch("/api/v1/nodes?watch=true", { event: () => {}, ended: () => {} });
    await clock.advance(600_000);
    fake.put("/api/v1/pods", { metadata: { name: "a", namespace: "a" } });
    await clock.advance(600_001);

    expect(api.silentFor(1_200_000)).toEqual(["nodes"]);

    await api.request({ method: "GET", path: "/api/v1/nodes?limit=500" });
    expect(api.silentFor(1_200_000)).toEqual([]);
  });

  test("that never began are no silence: the cluster may lack the type", async () => {
    await api.request(list);
    await clock.advance(10_000_000);

    expect(api.silentFor(1)).toEqual([]);
  });
});
