import {
  branded,
  type Ec2Action,
  type Ec2Failure,
  type NodeSnapshot,
  type PodEni,
  type ResourceVersion,
} from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { reap } from "./index.ts";
import {
  addInstance,
  createTestWorld,
  nodeObserved,
  podGone,
  podObserved,
  podUid,
  registered,
  type TestWorld,
  testInstance,
} from "./testing/index.ts";

/** Steps of one run under faults: some 50 minutes, some 60 pods. */
const stepsUnderFaults = 150;
/** Branches of the test's node. */
const branchesMax = 9;
/** Messages under way that a node with 9 branches needs at most; duplicates die out instead of multiplying. */
const messagesMax = 60;

/** Numbers in [0, 1) that follow from the seed. */
const seeded = (seed: number): (() => number) => {
  let state = seed * 7_919;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
};

interface Pod {
  readonly version: ResourceVersion;
  readonly enis: number;
  readonly group: string;
  annotation?: readonly PodEni[];
}

/** One node whose pods come and go, while workers die, freeze, overtake each other and EC2 refuses. */
class LongRun {
  readonly world: TestWorld = createTestWorld();
  readonly pods = new Map<number, Pod>();
  readonly random: () => number;
  isFaulty = true;
  messagesSeen = 0;
  #last = 0;
  #version = 200;
  #outcomesRead = 0;
  #depth = 0;

  constructor(seed: number) {
    this.random = seeded(seed);
    addInstance(this.world);
    this.world.tap.hook = () => this.#strike();
    this.world.ec2.refuse = (action) => this.#refusal(action);
    this.world.send(registered({ groupSets: [["sg-a"], ["sg-b"]] }));
    this.world.send(nodeObserved());
  }

  /** One worker in a hundred port calls dies; in one of ten others come in between, sometimes for longer than its step may take. */
  async #strike(): Promise<void> {
    if (!this.isFaulty) return;
    if (this.#depth < 3 && this.random() < 0.1) {
      this.#depth += 1;
      if (this.random() < 0.1) this.world.clock.advance(70_000);
      else if (this.random() < 0.3) this.world.clock.advance(Math.floor(this.random() * 3_000));
      await this.world.run(0).finally(() => {
        this.#depth -= 1;
      });
    }
    if (this.random() < 0.01) throw new Error("The worker was killed.");
  }

  #refusal(action: Ec2Action): Pick<Ec2Failure, "remedy" | "code"> | undefined {
    const fate = this.isFaulty ? this.random() : 1;
    if (fate < 0.03) return { remedy: "throttled", code: "RequestLimitExceeded" };
    if (fate < 0.08) return { remedy: "repeat", code: "InternalError" };
    if (fate < 0.1 && action === "AssociateTrunkInterface") {
      return { remedy: "unauthorised", code: "UnauthorizedOperation" };
    }
    return undefined;
  }

  #nextVersion(): ResourceVersion {
    this.#version += 1;
    return branded(String(this.#version));
  }

  begin(): void {
    const free = branchesMax - [...this.pods.values()].reduce((sum, { enis }) => sum + enis, 0);
    if (free === 0) return;
    this.#last += 1;
    const enis = Math.min(free, this.random() < 0.5 ? 1 : 1 + Math.floor(this.random() * 4));
    const pod = { version: this.#nextVersion(), enis, group: this.random() < 0.8 ? "sg-a" : "sg-b" };
    this.pods.set(this.#last, pod);
    const repeats = this.random() < 0.3 ? 2 : 1;
    for (let sent = 0; sent < repeats; sent += 1) {
      this.world.send(podObserved(this.#last, { resourceVersion: pod.version, enis, securityGroups: [pod.group] }));
    }
  }

  /** One end in twenty is only told by the next snapshot. */
  end(number: number): void {
    this.pods.delete(number);
    const event = podGone(number, { resourceVersion: this.#nextVersion() });
    if (this.random() < 0.95) this.world.send(event);
    if (this.random() < 0.3) this.world.send(event);
  }

  show(): void {
    const { incarnation, instanceId, nodeName, nodeUid } = nodeObserved();
    const pods: NodeSnapshot["pods"] = [...this.pods].map(([number, { version, enis, group, annotation }]) => {
      const { pod } = podObserved(number, { resourceVersion: version, enis, securityGroups: [group] });
      return annotation === undefined ? pod : { ...pod, annotation };
    });
    const listVersion = this.#nextVersion();
    this.world.send({ type: "NodeSnapshot", incarnation, instanceId, nodeName, nodeUid, listVersion, pods });
  }

  async step(): Promise<void> {
    const choice = this.random();
    const numbers = [...this.pods.keys()];
    if (choice < 0.5) this.begin();
    else if (choice < 0.8 && numbers.length > 0)
      this.end(numbers[Math.floor(this.random() * numbers.length)] as number);
    else if (choice < 0.9) this.show();
    else if (choice < 0.93) await reap(this.world.dependencies).catch(() => undefined);
    else this.world.send({ type: "NodeLook", instanceId: testInstance });
    if (this.random() < 0.1) this.giveAddresses(this.random() < 0.5 ? 0 : 1_000);
    await this.pass(Math.floor(this.random() * 40));
  }

  /** The subnet is full for a while, or has room again. */
  giveAddresses(freeAddresses: number): void {
    for (const subnet of this.world.ec2.subnets.values()) {
      this.world.ec2.subnets.set(subnet.subnetId, { ...subnet, freeAddresses });
    }
  }

  /** Lets time pass, annotates as the forwarder would, and looks whether every annotation still holds (S02, S04). */
  async pass(seconds: number): Promise<void> {
    await this.world.run(seconds);
    const outcomes = this.world.outbox.outcomes();
    for (const outcome of outcomes.slice(this.#outcomesRead)) {
      if (outcome.type !== "PodEniAssigned") continue;
      const number = Number(outcome.podUid.slice(-12));
      expect(outcome.podUid).toBe(podUid(number));
      const pod = this.pods.get(number);
      if (pod !== undefined) pod.annotation ??= outcome.enis;
    }
    this.#outcomesRead = outcomes.length;
    for (const { eniId, vlanId } of [...this.pods.values()].flatMap(({ annotation }) => annotation ?? [])) {
      expect(this.world.ec2.enis.get(branded(eniId))?.association).toMatchObject({ vlanId });
    }
    expect(this.world.ec2.branches().filter(({ association }) => association).length).toBeLessThanOrEqual(branchesMax);
    this.messagesSeen = Math.max(this.messagesSeen, this.world.pending().length);
  }

  /** Minutes without faults, with a snapshot and a run of the reaper in each. */
  async heal(minutes: number): Promise<void> {
    this.isFaulty = false;
    this.giveAddresses(1_000);
    for (let minute = 0; minute < minutes; minute += 1) {
      this.show();
      await this.pass(60);
      await reap(this.world.dependencies);
    }
  }
}

describe("a long run", () => {
  it.each(Array.from({ length: 24 }, (_, seed) => seed + 1))(
    "cuts no pod off, multiplies no message, serves every pod in the end, and leaves nothing behind (seed %i)",
    async (seed) => {
      const run = new LongRun(seed);
      for (let steps = 0; steps < stepsUnderFaults; steps += 1) await run.step();
      await run.heal(30);
      expect([...run.pods.values()].filter(({ annotation }) => annotation === undefined)).toEqual([]);

      for (const number of run.pods.keys()) run.end(number);
      await run.heal(25);

      const { trunk, branches } = await run.world.ledger.load(testInstance);
      expect(run.messagesSeen).toBeLessThan(messagesMax);
      expect(run.world.pending()).toEqual([]);
      expect(run.world.ec2.branches()).toEqual([]);
      expect(trunk).toMatchObject({ held: 0, vlans: "0".repeat(30) });
      expect(branches.filter(({ status }) => status !== "gone")).toEqual([]);
    },
  );
});
