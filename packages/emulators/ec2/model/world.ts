import { Buckets } from "./buckets.ts";
import { ClientTokens } from "./client-tokens.ts";
import { Collection, type Identified } from "./collection.ts";
import type { Ec2Config } from "./config.ts";
import { type IdName, type Ids, notFound, wellFormed } from "./ids.ts";
import type {
  AssociationRecord,
  GroupRecord,
  InstanceRecord,
  InterfaceRecord,
  RuleRecord,
  SubnetRecord,
  VpcRecord,
} from "./records.ts";
import type { Clock } from "./time.ts";

/** Where the model is and what comes in from outside. */
export interface WorldSettings {
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly ids: Ids;
  readonly region: string;
  /** The account's 12 digits. */
  readonly account: string;
  readonly config: Ec2Config;
}

/** Everything that one account has in one Region. The actions work on it. */
export class World {
  readonly clock: Clock;
  readonly random: () => number;
  readonly ids: Ids;
  readonly region: string;
  readonly account: string;
  config: Ec2Config;

  readonly vpcs: Collection<VpcRecord>;
  readonly subnets: Collection<SubnetRecord>;
  readonly groups: Collection<GroupRecord>;
  readonly rules: Collection<RuleRecord>;
  readonly interfaces: Collection<InterfaceRecord>;
  readonly associations: Collection<AssociationRecord>;
  readonly instances: Collection<InstanceRecord>;
  /** By trunk, and then by VLAN ID, the association. */
  readonly trunks = new Map<string, Map<number, AssociationRecord>>();
  /** By attachment, the interface that is attached. */
  readonly attachments = new Map<string, string>();
  /** How many interfaces each Availability Zone has. */
  readonly interfaceCounts = new Map<string, number>();
  readonly buckets = new Buckets();
  readonly clientTokens = new ClientTokens();
  /** Called after an instance has entered a state. */
  onInstanceState: (instance: InstanceRecord) => void = () => {};

  constructor(settings: WorldSettings) {
    this.clock = settings.clock;
    this.random = settings.random;
    this.ids = settings.ids;
    this.region = settings.region;
    this.account = settings.account;
    this.config = settings.config;
    const collection = <T extends Identified>() => new Collection<T>(this.clock, () => this.config.visibility);
    this.vpcs = collection();
    this.subnets = collection();
    this.groups = collection();
    this.rules = collection();
    this.interfaces = collection();
    this.associations = collection();
    this.instances = collection();
  }
}

/** The record that a call names; throws `….Malformed` or `….NotFound`. */
export function lookUp<T extends Identified>(collection: Collection<T>, kind: IdName, id: string): T {
  const record = collection.referenced(wellFormed(kind, id));
  if (!record) throw notFound(kind, id);
  return record;
}

/** A record whose existence follows from another record; its absence is a bug of the model. */
export function known<T extends Identified>(collection: Collection<T>, id: string): T {
  const record = collection.get(id);
  if (!record) throw new Error(`The model lost ${id}.`);
  return record;
}

/** Does something `delayMs` from now; at once, when there is nothing to wait for. */
export function later(world: World, delayMs: number, run: () => void): void {
  if (delayMs > 0) world.clock.schedule(delayMs, run);
  else run();
}
