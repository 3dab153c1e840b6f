import type { VisibilityConfig } from "./config.ts";
import type { Clock } from "./time.ts";

/** What every record of the model has: an ID of EC2's making. */
export interface Identified {
  readonly id: string;
}

/** A record and its place in the order of creation, which never changes: pages continue after it. */
export interface Row<T> {
  readonly sequence: number;
  readonly record: T;
}

interface Entry<T> extends Row<T> {
  readonly createdAtMs: number;
}

/** At most so many deleted records are remembered for late describes; the oldest are forgotten first. */
const REMEMBERED_MAX = 10_000;

/**
 * All records of one kind, with EC2's eventual consistency: a describe may not list a young record yet and may still
 * list a deleted one, a call that names a young record may not find it. The delays come from `visibility`.
 */
export class Collection<T extends Identified> {
  readonly #live = new Map<string, Entry<T>>();
  #deleted: { readonly entry: Entry<T>; readonly deletedAtMs: number }[] = [];
  #sequence = 0;
  readonly #clock: Clock;
  readonly #visibility: () => VisibilityConfig;

  constructor(clock: Clock, visibility: () => VisibilityConfig) {
    this.#clock = clock;
    this.#visibility = visibility;
  }

  insert(record: T): T {
    this.#live.set(record.id, { sequence: ++this.#sequence, record, createdAtMs: this.#clock.now() });
    return record;
  }

  /** The truth: the record if it exists now. */
  get(id: string): T | undefined {
    return this.#live.get(id)?.record;
  }

  /** What a call that names `id` finds: nothing while the record is too young. */
  referenced(id: string): T | undefined {
    const entry = this.#live.get(id);
    const oldEnough = entry && this.#clock.now() - entry.createdAtMs >= this.#visibility().referenceDelayMs;
    return oldEnough ? entry.record : undefined;
  }

  remove(id: string): void {
    const entry = this.#live.get(id);
    if (!entry) return;
    this.#live.delete(id);
    if (this.#visibility().describeDelayMs > 0) this.#deleted.push({ entry, deletedAtMs: this.#clock.now() });
    if (this.#deleted.length > REMEMBERED_MAX) this.#deleted.shift();
  }

  /** The truth: all records that exist now. */
  *values(): IterableIterator<T> {
    for (const entry of this.#live.values()) yield entry.record;
  }

  /** What a describe lists, in order of creation. */
  listed(): Row<T>[] {
    if (this.#visibility().describeDelayMs === 0) return [...this.#live.values()];
    const horizonMs = this.#horizonMs();
    return [...this.#live.values(), ...this.#recentlyDeleted()]
      .filter((entry) => entry.createdAtMs <= horizonMs)
      .sort((a, b) => a.sequence - b.sequence);
  }

  /** What a describe that names `id` shows. */
  shown(id: string): Row<T> | undefined {
    const entry = this.#live.get(id) ?? this.#recentlyDeleted().find((deleted) => deleted.record.id === id);
    return entry && entry.createdAtMs <= this.#horizonMs() ? entry : undefined;
  }

  #horizonMs(): number {
    return this.#clock.now() - this.#visibility().describeDelayMs;
  }

  #recentlyDeleted(): Entry<T>[] {
    const horizonMs = this.#horizonMs();
    this.#deleted = this.#deleted.filter((deletion) => deletion.deletedAtMs > horizonMs);
    return this.#deleted.map((deletion) => deletion.entry);
  }
}
