import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConnectionDropped, Ec2Error } from "./errors.ts";
import type { Ec2State } from "./state.ts";
import { account, sure } from "./testing.ts";

/** A step of a random history; the numbers choose among what exists. */
type Step = { readonly kind: keyof typeof STEPS; readonly a: number; readonly b: number };
type Account = ReturnType<typeof account>;

const pick = (ids: readonly (string | undefined)[], index: number) => ids[index % Math.max(ids.length, 1)];
const interfaceIds = (state: Ec2State) => state.networkInterfaces.map((one) => one.NetworkInterfaceId);
const instanceIds = (state: Ec2State) => state.instances.map((one) => one.InstanceId);

const STEPS = {
  create: ({ networkInterface }: Account, a: number) => {
    networkInterface(a % 3 === 0 ? { InterfaceType: "trunk" } : {});
  },
  run: ({ instance }: Account, a: number) => {
    instance(a % 2 === 0 ? "m5.large" : "t3.medium");
  },
  attach: ({ model }: Account, a: number, b: number) => {
    const state = model.state();
    model.call("AttachNetworkInterface", {
      NetworkInterfaceId: pick(interfaceIds(state), a),
      InstanceId: pick(instanceIds(state), b),
      DeviceIndex: (a + b) % 4,
    });
  },
  detach: ({ model }: Account, a: number) => {
    const attached = model.state().networkInterfaces.flatMap((one) => one.Attachment?.AttachmentId ?? []);
    model.call("DetachNetworkInterface", { AttachmentId: pick(attached, a) });
  },
  associate: ({ model }: Account, a: number, b: number) => {
    const { networkInterfaces } = model.state();
    const trunks = networkInterfaces.filter((one) => one.InterfaceType === "trunk");
    model.call("AssociateTrunkInterface", {
      BranchInterfaceId: pick(
        networkInterfaces.map((one) => one.NetworkInterfaceId),
        a,
      ),
      TrunkInterfaceId: pick(
        trunks.map((one) => one.NetworkInterfaceId),
        b,
      ),
      VlanId: 1 + ((a * 7 + b) % 12),
    });
  },
  disassociate: ({ model }: Account, a: number) => {
    const AssociationId = pick(
      model.state().associations.map((one) => one.AssociationId),
      a,
    );
    model.call("DisassociateTrunkInterface", { AssociationId });
  },
  remove: ({ model }: Account, a: number) => {
    model.call("DeleteNetworkInterface", { NetworkInterfaceId: pick(interfaceIds(model.state()), a) });
  },
  terminate: ({ model }: Account, a: number) => {
    model.call("TerminateInstances", { InstanceIds: [sure(pick(instanceIds(model.state()), a))] });
  },
  address: ({ model }: Account, a: number, b: number) => {
    model.call("AssignPrivateIpAddresses", {
      NetworkInterfaceId: pick(interfaceIds(model.state()), a),
      SecondaryPrivateIpAddressCount: 1 + (b % 3),
    });
  },
  wait: ({ clock }: Account, a: number) => clock.advance(100 * (1 + (a % 20))),
} as const;

// Creations and associations come more often, so that there is something to collide with.
const OFTEN: Step["kind"][] = ["create", "create", "create", "associate", "associate", "associate", "associate"];

const step = fc.record({
  kind: fc.constantFrom(...OFTEN, ...(Object.keys(STEPS) as Step["kind"][])),
  a: fc.nat({ max: 50 }),
  b: fc.nat({ max: 50 }),
});

function takeStep(world: Account, { kind, a, b }: Step): boolean {
  try {
    STEPS[kind](world, a, b);
    return true;
  } catch (error) {
    if (error instanceof Ec2Error || error instanceof ConnectionDropped) return false;
    // Nothing to pick from: the history has no instance yet.
    if (error instanceof Error && error.message === "Expected a value.") return false;
    throw error;
  }
}

function checkTruth({ networkInterfaces, instances, associations, subnets }: Ec2State): void {
  const byId = new Map(networkInterfaces.map((one) => [one.NetworkInterfaceId, one]));
  const addresses = networkInterfaces.flatMap((one) => one.PrivateIpAddresses?.map((ip) => ip.PrivateIpAddress) ?? []);
  expect(new Set(addresses).size).toBe(addresses.length);
  expect(subnets[0]?.AvailableIpAddressCount).toBe(251 - addresses.length);
  const vlans = associations.map((one) => `${one.TrunkInterfaceId} ${one.VlanId}`);
  expect(new Set(vlans).size).toBe(vlans.length);
  const branches = associations.map((one) => one.BranchInterfaceId);
  expect(new Set(branches).size).toBe(branches.length);
  for (const { BranchInterfaceId, TrunkInterfaceId } of associations) {
    expect(byId.get(BranchInterfaceId)).toMatchObject({ InterfaceType: "branch", Status: "in-use" });
    const trunk = byId.get(TrunkInterfaceId);
    expect(trunk?.InterfaceType).toBe("trunk");
    const held = associations.filter((one) => one.TrunkInterfaceId === TrunkInterfaceId).length;
    if (trunk?.Attachment) expect(held).toBeLessThanOrEqual(9);
  }
  const places = networkInterfaces.flatMap(({ Attachment: at }) => (at ? [`${at.InstanceId} ${at.DeviceIndex}`] : []));
  expect(new Set(places).size).toBe(places.length);
  for (const instance of instances) {
    expect(instance.NetworkInterfaces?.length).toBeLessThanOrEqual(3);
    if (instance.State?.Name === "terminated") expect(instance.NetworkInterfaces).toEqual([]);
    for (const { NetworkInterfaceId } of instance.NetworkInterfaces ?? []) {
      expect(byId.get(NetworkInterfaceId)?.Attachment?.InstanceId).toBe(instance.InstanceId);
    }
  }
}

describe("whatever is called, in whatever order", () => {
  test("addresses, VLAN IDs, device indexes and limits stay consistent", { timeout: 30_000 }, () => {
    let done = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
        const world = account();
        for (const one of steps) if (takeStep(world, one)) done++;
        checkTruth(world.model.state());
      }),
      { numRuns: 150 },
    );
    // The histories must not consist of refusals.
    expect(done).toBeGreaterThan(1_500);
  });
});
