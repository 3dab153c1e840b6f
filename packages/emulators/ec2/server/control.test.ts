import { afterEach, describe, expect, test } from "vitest";
import { type Ec2Emulator, startEc2Emulator } from "../emulator.ts";
import { seededRandom } from "../model/random.ts";
import { drawLatencyMs, NO_LATENCY, TYPICAL_LATENCY } from "./latency.ts";

const running: Ec2Emulator[] = [];

afterEach(async () => {
  for (const emulator of running.splice(0)) await emulator.stop();
});

async function started() {
  const emulator = await startEc2Emulator();
  running.push(emulator);
  const control = async (method: string, path: string, json?: unknown) => {
    const body = json === undefined ? null : JSON.stringify(json);
    const response = await fetch(`${emulator.url}/_control/${path}`, { method, body });
    return { status: response.status, json: (await response.json()) as unknown };
  };
  const call = async (action: string) => {
    const response = await fetch(emulator.url, { method: "POST", body: `Action=${action}` });
    return response.status;
  };
  return { emulator, control, call };
}

describe("the control endpoint", () => {
  test("arms faults, lists them and disarms them", async () => {
    const { control, call } = await started();
    const fault = { action: "DescribeVpcs", next: 1, answer: { code: "InternalError" } };
    expect(await control("POST", "faults", fault)).toEqual({ status: 200, json: { id: 1 } });
    expect(await call("DescribeVpcs")).toBe(500);
    expect(await call("DescribeVpcs")).toBe(200);
    await control("POST", "faults", { probability: 1, when: "after", answer: "drop" });
    expect((await control("GET", "faults")).json).toMatchObject([{ id: 2, action: "*", when: "after", fired: 0 }]);
    await expect(call("DescribeVpcs")).rejects.toThrow();
    expect((await control("DELETE", "faults?id=2")).json).toEqual([]);
    expect(await call("DescribeVpcs")).toBe(200);
    await control("POST", "faults", { probability: 1, answer: { code: "Unavailable", message: "Down.", status: 503 } });
    expect(await call("DescribeVpcs")).toBe(503);
    await control("DELETE", "faults");
    expect(await call("DescribeVpcs")).toBe(200);
  });

  test("changes quotas, buckets and latency, and shows what is set", async () => {
    const { emulator, control, call } = await started();
    const change = {
      quotas: { interfacesPerZoneMax: 1 },
      buckets: { "DescribeVpcs#unfiltered": { capacity: 1, refillPerSecond: 0 } },
      latency: { medianMs: 1 },
    };
    expect(await control("POST", "config", change)).toMatchObject({
      status: 200,
      json: {
        quotas: { interfacesPerZoneMax: 1, groupsPerInterfaceMax: 5 },
        latency: { medianMs: 1, sigma: 0, medianMsByAction: {} },
      },
    });
    expect([await call("DescribeVpcs"), await call("DescribeVpcs")]).toEqual([200, 503]);
    await control("DELETE", "buckets");
    expect(await call("DescribeVpcs")).toBe(200);
    await control("POST", "config", { throttling: false, latency: "none" });
    expect(await call("DescribeVpcs")).toBe(200);
    // A Region that is used for the first time has the same configuration.
    expect(emulator.model("eu-west-1").config.quotas.interfacesPerZoneMax).toBe(1);
    expect((await control("GET", "config")).json).toMatchObject({ throttling: false, latency: NO_LATENCY });
    await control("POST", "config", { latency: "typical" });
    expect((await control("GET", "config")).json).toMatchObject({ latency: TYPICAL_LATENCY });
  });

  test("counts calls by Region, and forgets them on request", async () => {
    const { control, call } = await started();
    await call("DescribeVpcs");
    const expected = { DescribeVpcs: { calls: 1, throttled: 0, errors: {} } };
    expect((await control("GET", "stats")).json).toEqual(expected);
    expect((await control("GET", "stats?region=eu-west-1")).json).toEqual({});
    expect((await control("DELETE", "stats")).json).toEqual({});
    expect((await control("GET", "stats?region=mars")).status).toBe(400);
  });

  test("answers whether one end reaches the other, and shows everything that exists", async () => {
    const { emulator, control } = await started();
    const { Vpc } = emulator.model().call("CreateVpc", { CidrBlock: "10.0.0.0/16" });
    const subnet = emulator.model().call("CreateSubnet", { VpcId: Vpc?.VpcId, CidrBlock: "10.0.0.0/24" }).Subnet;
    const create = () =>
      emulator.model().call("CreateNetworkInterface", { SubnetId: subnet?.SubnetId }).NetworkInterface;
    const query = { from: create()?.NetworkInterfaceId, to: create()?.PrivateIpAddress, protocol: "tcp", port: 80 };
    expect((await control("POST", "reach", query)).json).toMatchObject({ allowed: true });
    expect((await control("POST", "reach", { ...query, from: "192.0.2.1" })).json).toMatchObject({ allowed: false });
    expect((await control("GET", "state")).json).toMatchObject({
      vpcs: [{ VpcId: Vpc?.VpcId }],
      networkInterfaces: [{}, {}],
      associations: [],
    });
  });

  test.each([
    ["config", { quota: {} }, "There is no setting quota."],
    ["config", { quotas: { enis: 5 } }, "There is no setting quotas.enis."],
    ["config", { throttling: "off" }, "throttling must be a boolean."],
    ["config", { transitions: { pendingMs: -1 } }, "transitions.pendingMs must be a number of at least 0."],
    ["config", { buckets: { DescribeVpcs: { capacity: 1 } } }, "buckets.DescribeVpcs.refillPerSecond must be"],
    ["config", { latency: "slow" }, "latency must be an object."],
    ["config", { latency: { sigma: "x" } }, "latency.sigma must be"],
    ["config", [], "The configuration must be an object."],
    ["faults", { answer: "drop" }, "Give either probability"],
    ["faults", { answer: "drop", probability: 2 }, "Give either probability"],
    ["faults", { answer: "drop", next: 1, probability: 1 }, "Give either probability"],
    ["faults", { next: 1, when: "during", answer: "drop" }, "when must be before or after."],
    ["faults", { next: 1, action: 7, answer: "drop" }, "action must be"],
    ["faults", { next: 1, answer: {} }, "answer must be drop, or have a code."],
    ["faults", { next: 1, answer: { code: "X", status: 200 } }, "status must be"],
    ["faults", { next: 1, answer: { code: "X", message: 1 } }, "message must be"],
    ["reach", { from: "10.0.0.1" }, "from, to and protocol must be strings."],
    ["reach", { from: "10.0.0.1", to: "10.0.0.2", port: "80" }, "port must be a whole number."],
  ])("refuses %s %j with a sentence", async (path, json, sentence) => {
    const { control } = await started();
    const refused = await control("POST", path, json);
    expect(refused.status).toBe(400);
    expect(refused.json).toEqual({ message: expect.stringContaining(sentence) });
  });

  test("refuses what is not JSON, and names its routes where there is none", async () => {
    const { emulator, control } = await started();
    const broken = await fetch(`${emulator.url}/_control/config`, { method: "POST", body: "{" });
    expect(broken.status).toBe(400);
    const unknown = await control("GET", "toString");
    expect(unknown.status).toBe(404);
    expect(unknown.json).toMatchObject({ routes: expect.arrayContaining(["POST reach"]) });
  });
});

describe("latency", () => {
  test("is log-normal around the median of the action", () => {
    const random = seededRandom(5);
    const draws = Array.from({ length: 4_000 }, () => drawLatencyMs(TYPICAL_LATENCY, "CreateNetworkInterface", random));
    const sorted = draws.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(share * sorted.length)] ?? 0;
    expect(at(0.5)).toBeGreaterThan(330);
    expect(at(0.5)).toBeLessThan(370);
    // One standard deviation above the median: 350 ms × e^0.3 = 472 ms.
    expect(at(0.8413)).toBeGreaterThan(450);
    expect(at(0.8413)).toBeLessThan(495);
  });

  test("is nothing unless asked for", () => {
    expect(drawLatencyMs(NO_LATENCY, "CreateNetworkInterface", seededRandom(1))).toBe(0);
  });
});
