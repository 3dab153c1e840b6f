import { ACTIONS, type Ec2Action, type Ec2Input, type Ec2Output } from "./actions.ts";
import { adoptInstance, type InstanceToAdopt } from "./adopted-instance.ts";
import { bucketName, defaultLimits } from "./buckets.ts";
import { DEFAULT_CONFIG, type Ec2Config, type Ec2ConfigPatch, patchConfig } from "./config.ts";
import { Ec2Error } from "./errors.ts";
import { type InstanceStateChangeEvent, stateChangeEvent } from "./events.ts";
import { Faults } from "./faults.ts";
import { createIds } from "./ids.ts";
import { type ReachAnswer, type ReachQuery, reach } from "./reachability.ts";
import type { InstanceRecord } from "./records.ts";
import { dumpState, type Ec2State } from "./state.ts";
import { type ActionStats, Stats } from "./stats.ts";
import type { Clock } from "./time.ts";
import { World } from "./world.ts";

/** What comes into the model from outside. */
export interface Ec2ModelSettings {
  readonly clock: Clock;
  /** A number in [0, 1); the same sequence gives the same IDs, addresses and faults. */
  readonly random: () => number;
  readonly region: string;
  /** The account's 12 digits. */
  readonly account: string;
  readonly config?: Ec2ConfigPatch;
}

/** Hears of each state that an instance enters. */
export type InstanceStateListener = (event: InstanceStateChangeEvent) => void;

/** A call that took effect, whatever its caller heard of it. */
export interface PerformedCall<A extends Ec2Action = Ec2Action> {
  readonly action: A;
  readonly input: Ec2Input<A>;
  readonly output: Ec2Output<A>;
}

/** EC2 in one Region of one account: pure and synchronous. Create it with `createEc2Model`. */
export class Ec2Model {
  readonly faults: Faults;
  readonly #world: World;
  readonly #stats = new Stats();
  readonly #listeners = new Set<InstanceStateListener>();
  readonly #observers = new Set<(call: PerformedCall) => void>();

  constructor(settings: Ec2ModelSettings) {
    const { clock, random, region, account } = settings;
    const config = patchConfig(DEFAULT_CONFIG, settings.config ?? {});
    this.#world = new World({ clock, random, region, account, config, ids: createIds(random) });
    this.#world.onInstanceState = (instance) => this.#tell(instance);
    this.faults = new Faults(random);
  }

  get region(): string {
    return this.#world.region;
  }

  get account(): string {
    return this.#world.account;
  }

  get config(): Ec2Config {
    return this.#world.config;
  }

  /** Changes the configuration from now on. */
  configure(patch: Ec2ConfigPatch): void {
    this.#world.config = patchConfig(this.#world.config, patch);
  }

  /**
   * One whole call: throttling, faults, effect, answer. Throws `Ec2Error` as EC2 refuses, and `ConnectionDropped` for
   * an injected loss of the connection.
   */
  call<A extends Ec2Action>(action: A, input: Ec2Input<A>): Ec2Output<A> {
    this.admit(action, input);
    return this.perform(action, input);
  }

  /** The arrival of a call: it is counted and costs a token; throws `RequestLimitExceeded`. */
  admit(action: Ec2Action, input: object): void {
    this.#stats.called(action);
    const { config, buckets, clock } = this.#world;
    if (!config.throttling) return;
    const name = bucketName(action, input);
    const limits = config.buckets[name] ?? defaultLimits(name);
    if (buckets.take(name, limits, clock.now())) return;
    this.#stats.failed(action, "RequestLimitExceeded");
    throw new Ec2Error("RequestLimitExceeded", "Request limit exceeded.", 503);
  }

  /** The effect of a call that was admitted, and the faults before and after it. */
  perform<A extends Ec2Action>(action: A, input: Ec2Input<A>): Ec2Output<A> {
    try {
      this.faults.strike(action, "before");
      if ("DryRun" in input && input.DryRun === true) {
        throw new Ec2Error("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412);
      }
      const handler = ACTIONS[action] as (world: World, input: Ec2Input<A>) => Ec2Output<A>;
      const output = handler(this.#world, input);
      for (const observer of this.#observers) observer({ action, input, output } as PerformedCall);
      this.faults.strike(action, "after");
      return output;
    } catch (error) {
      this.#stats.failed(action, error instanceof Ec2Error ? error.code : "ConnectionDropped");
      throw error;
    }
  }

  /** Makes a running instance under a given ID, which no call can. Throws `Ec2Error`. */
  adoptInstance(wanted: InstanceToAdopt): void {
    adoptInstance(this.#world, wanted);
  }

  /** Calls and refusals per action since the start or the last reset. */
  stats(): Record<string, ActionStats> {
    return this.#stats.snapshot();
  }

  resetStats(): void {
    this.#stats.reset();
  }

  /** Fills all token buckets. */
  refillBuckets(): void {
    this.#world.buckets.reset();
  }

  /** Whether security groups let one end open a connection to the other. */
  reach(query: ReachQuery): ReachAnswer {
    return reach(this.#world, query);
  }

  /** Everything that exists, as it is now, whatever describes show; costs no tokens. */
  state(): Ec2State {
    return dumpState(this.#world);
  }

  /** Calls `listener` with what EventBridge would deliver; the returned function ends that. */
  onInstanceStateChange(listener: InstanceStateListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `observer` with each call right after its effect; the returned function ends that. It must not throw. */
  onPerformed(observer: (call: PerformedCall) => void): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  #tell(instance: InstanceRecord): void {
    if (this.#listeners.size === 0) return;
    const event = stateChangeEvent(this.#world, instance);
    // Later, so that a listener never runs in the middle of a call.
    this.#world.clock.schedule(0, () => {
      for (const listener of this.#listeners) listener(event);
    });
  }
}

/** Makes an empty account. */
export function createEc2Model(settings: Ec2ModelSettings): Ec2Model {
  return new Ec2Model(settings);
}
