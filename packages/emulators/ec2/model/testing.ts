/** What the tests of the model share: virtual time, and an account with a VPC, a subnet and a security group. */

import type { Ec2ConfigPatch } from "./config.ts";
import { Ec2Error } from "./errors.ts";
import { createEc2Model, type Ec2Model } from "./model.ts";
import { seededRandom } from "./random.ts";
import type { Clock } from "./time.ts";

/** A clock that moves only when told to. */
export class VirtualClock implements Clock {
  #nowMs = 1_767_225_600_000;
  #planned: { readonly atMs: number; readonly run: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, run: () => void): () => void {
    const entry = { atMs: this.#nowMs + delayMs, run };
    this.#planned.push(entry);
    return () => {
      this.#planned = this.#planned.filter((other) => other !== entry);
    };
  }

  /** Lets `ms` milliseconds pass, and runs what was planned for them in order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [next] = this.#planned.toSorted((a, b) => a.atMs - b.atMs);
      if (!next || next.atMs > endMs) break;
      this.#planned = this.#planned.filter((other) => other !== next);
      this.#nowMs = next.atMs;
      next.run();
    }
    this.#nowMs = endMs;
  }
}

/** An empty account in virtual time, without throttling unless asked for. */
export function emptyAccount(config: Ec2ConfigPatch = {}, seed = 1): { model: Ec2Model; clock: VirtualClock } {
  const clock = new VirtualClock();
  const model = createEc2Model({
    clock,
    random: seededRandom(seed),
    region: "us-west-2",
    account: "123456789012",
    config: { throttling: false, ...config },
  });
  return { model, clock };
}

/** An account with a network: the calls that nearly every test needs, by the IDs that they return. */
export function account(config: Ec2ConfigPatch = {}, seed = 1) {
  const { model, clock } = emptyAccount(config, seed);
  const vpcId = sure(model.call("CreateVpc", { CidrBlock: "10.0.0.0/16" }).Vpc?.VpcId);
  const subnetId = sure(model.call("CreateSubnet", { VpcId: vpcId, CidrBlock: "10.0.0.0/24" }).Subnet?.SubnetId);
  const group = (name: string, inVpc = vpcId) =>
    sure(model.call("CreateSecurityGroup", { GroupName: name, Description: name, VpcId: inVpc }).GroupId);
  const groupId = group("pods");
  const networkInterface = (more: { InterfaceType?: "trunk"; Groups?: string[]; SubnetId?: string } = {}) =>
    sure(
      model.call("CreateNetworkInterface", { SubnetId: subnetId, Groups: [groupId], ...more }).NetworkInterface
        ?.NetworkInterfaceId,
    );
  const instance = (type = "m5.large") => {
    const launched = model.call("RunInstances", {
      ...{ ImageId: "ami-12345678", InstanceType: type as "m5.large", MinCount: 1, MaxCount: 1 },
      ...{ SubnetId: subnetId, SecurityGroupIds: [groupId] },
    });
    clock.advance(1_000);
    return sure(launched.Instances?.[0]?.InstanceId);
  };
  const show = (id: string) => model.state().networkInterfaces.find((candidate) => candidate.NetworkInterfaceId === id);
  return { model, clock, vpcId, subnetId, groupId, group, networkInterface, instance, show };
}

/** A value that the test knows to be there. */
export function sure<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("Expected a value.");
  return value;
}

/** How EC2 refuses what `run` does; throws when it is not refused. */
export function refusal(run: () => unknown): { code: string; message: string; status: number } {
  try {
    run();
  } catch (error) {
    if (error instanceof Ec2Error) return { code: error.code, message: error.message, status: error.status };
    throw error;
  }
  throw new Error("Expected a refusal, but the call succeeded.");
}
