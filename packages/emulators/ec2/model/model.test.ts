import { describe, expect, test } from "vitest";
import { ConnectionDropped } from "./errors.ts";
import { account, emptyAccount, refusal } from "./testing.ts";

describe("throttling", () => {
  function throttled() {
    const world = emptyAccount({ throttling: true });
    const calls = (action: "DescribeVpcs" | "CreateTags" | "DeleteSubnet", input: object, count: number) => {
      let granted = 0;
      for (let index = 0; index < count; index++) {
        try {
          world.model.admit(action, input);
          granted++;
        } catch (error) {
          expect(error).toMatchObject({ code: "RequestLimitExceeded", status: 503 });
        }
      }
      return granted;
    };
    return { ...world, calls };
  }

  test.each([
    ["DeleteSubnet", {}, 50, 5],
    ["CreateTags", {}, 100, 10],
    ["DescribeVpcs", {}, 50, 10],
    ["DescribeVpcs", { MaxResults: 5 }, 100, 20],
    ["DescribeVpcs", { VpcIds: ["vpc-12345678"] }, 100, 20],
    ["DescribeVpcs", { VpcIds: [], NextToken: "x", DryRun: false }, 50, 10],
  ] as const)("gives %s with %o a bucket of %d that refills by %d a second", (action, input, capacity, refill) => {
    const { clock, calls } = throttled();
    expect(calls(action, input, 200)).toBe(capacity);
    clock.advance(1_000);
    expect(calls(action, input, 200)).toBe(refill);
    clock.advance(3_600_000);
    expect(calls(action, input, 200)).toBe(capacity);
  });

  test("costs a token for a call that fails, too", () => {
    const { model } = throttled();
    const fail = () => model.call("DeleteSubnet", { SubnetId: "subnet-12345678" });
    for (let index = 0; index < 50; index++) expect(refusal(fail).code).toBe("InvalidSubnetID.NotFound");
    expect(refusal(fail)).toMatchObject({ code: "RequestLimitExceeded", message: "Request limit exceeded." });
    expect(model.stats().DeleteSubnet).toEqual({
      calls: 51,
      throttled: 1,
      errors: { "InvalidSubnetID.NotFound": 50, RequestLimitExceeded: 1 },
    });
    model.resetStats();
    expect(model.stats()).toEqual({});
  });

  test("takes other limits at once, and none when it is switched off", () => {
    const { model, calls } = throttled();
    model.configure({ buckets: { DeleteSubnet: { capacity: 3, refillPerSecond: 1 } } });
    expect(calls("DeleteSubnet", {}, 10)).toBe(3);
    model.configure({ throttling: false });
    expect(calls("DeleteSubnet", {}, 10)).toBe(10);
    model.configure({ throttling: true });
    model.refillBuckets();
    expect(calls("DeleteSubnet", {}, 10)).toBe(3);
  });
});

describe("what is performed", () => {
  test("is told after its effect, also when the caller does not hear of it, and not when it was refused", () => {
    const { model } = emptyAccount();
    const told: string[] = [];
    const stop = model.onPerformed(({ action, output }) =>
      told.push(`${action} ${JSON.stringify(output).slice(0, 7)}`),
    );
    model.faults.add({ action: "CreateVpc", when: "after", frequency: { next: 1 }, answer: "drop" });

    expect(() => model.call("CreateVpc", { CidrBlock: "10.0.0.0/16" })).toThrow(ConnectionDropped);
    expect(refusal(() => model.call("CreateVpc", {})).code).toBe("MissingParameter");
    stop();
    model.call("CreateVpc", { CidrBlock: "10.1.0.0/16" });

    expect(told).toEqual(['CreateVpc {"Vpc":']);
  });
});

describe("faults", () => {
  const answer = { code: "InternalError" };

  test("before the effect prevent it, for the next calls that were asked for", () => {
    const { model, networkInterface } = account();
    model.faults.add({ action: "CreateNetworkInterface", when: "before", frequency: { next: 2 }, answer });
    expect(refusal(() => networkInterface())).toMatchObject({ code: "InternalError", status: 500 });
    expect(refusal(() => networkInterface()).code).toBe("InternalError");
    expect(model.state().networkInterfaces).toEqual([]);
    expect(networkInterface()).toMatch(/^eni-/);
    expect(model.faults.list()).toEqual([]);
  });

  test("after the effect leave it done, so that a repeat with the same token finds it", () => {
    const { model, subnetId } = account();
    const frequency = { next: 1 };
    model.faults.add({ action: "CreateNetworkInterface", when: "after", frequency, answer: "drop" });
    const create = () => model.call("CreateNetworkInterface", { SubnetId: subnetId, ClientToken: "intent" });
    expect(create).toThrow(ConnectionDropped);
    const [made] = model.state().networkInterfaces;
    expect(create().NetworkInterface?.NetworkInterfaceId).toBe(made?.NetworkInterfaceId);
    expect(model.stats().CreateNetworkInterface?.errors).toEqual({ ConnectionDropped: 1 });
  });

  test("of a probability hit about that share of all actions", () => {
    const { model } = emptyAccount();
    model.faults.add({ action: "*", when: "before", frequency: { probability: 0.25 }, answer });
    for (let index = 0; index < 2_000; index++) {
      try {
        model.call("DescribeVpcs", {});
      } catch (error) {
        expect(error).toMatchObject({ code: "InternalError" });
      }
    }
    expect(model.stats().DescribeVpcs?.errors.InternalError).toBeGreaterThan(400);
    expect(model.stats().DescribeVpcs?.errors.InternalError).toBeLessThan(600);
  });

  test("can be disarmed one by one, or all", () => {
    const { model } = emptyAccount();
    const always = { action: "*", when: "before", frequency: { probability: 1 } } as const;
    const first = model.faults.add({ ...always, answer: { code: "RequestLimitExceeded" } });
    model.faults.add({ ...always, answer: { code: "Odd", message: "Odd.", status: 418 } });
    expect(refusal(() => model.call("DescribeVpcs", {}))).toMatchObject({ code: "RequestLimitExceeded", status: 503 });
    model.faults.remove(first);
    expect(refusal(() => model.call("DescribeVpcs", {}))).toEqual({ code: "Odd", message: "Odd.", status: 418 });
    model.faults.clear();
    expect(model.call("DescribeVpcs", {}).Vpcs).toEqual([]);
  });
});

describe("the model", () => {
  test("makes the same IDs and addresses from the same seed, and others from another", () => {
    const run = (seed: number) => {
      const { model, instance, networkInterface } = account({}, seed);
      instance();
      networkInterface();
      return model.state();
    };
    expect(run(7)).toEqual(run(7));
    expect(run(7).vpcs[0]?.VpcId).not.toBe(run(8).vpcs[0]?.VpcId);
  });

  test("never makes an ID twice, whatever the source of randomness gives", () => {
    const { model, networkInterface } = account();
    const ids = Array.from({ length: 200 }, () => networkInterface());
    expect(new Set(ids).size).toBe(200);
    expect(new Set(model.state().networkInterfaces.map((one) => one.MacAddress)).size).toBe(200);
  });

  test("answers a dry run without an effect", () => {
    const { model } = emptyAccount();
    expect(refusal(() => model.call("CreateVpc", { CidrBlock: "10.0.0.0/16", DryRun: true }))).toEqual({
      code: "DryRunOperation",
      message: "Request would have succeeded, but DryRun flag is set.",
      status: 412,
    });
    expect(model.state().vpcs).toEqual([]);
  });

  test("remembers a client token for a day", () => {
    const { model, clock, subnetId } = account();
    const create = () =>
      model.call("CreateNetworkInterface", { SubnetId: subnetId, ClientToken: "t" }).NetworkInterface
        ?.NetworkInterfaceId;
    const first = create();
    clock.advance(24 * 3_600_000 - 1);
    expect(create()).toBe(first);
    clock.advance(1);
    expect(create()).not.toBe(first);
    const long = { SubnetId: subnetId, ClientToken: "x".repeat(65) };
    expect(refusal(() => model.call("CreateNetworkInterface", long)).code).toBe("InvalidParameterValue");
  });
});
