/** What happened to one action's calls. */
export interface ActionStats {
  calls: number;
  throttled: number;
  /** Refused calls by error code, throttled ones included. */
  errors: Record<string, number>;
}

/** Counts calls per action. */
export class Stats {
  #byAction = new Map<string, ActionStats>();

  called(action: string): void {
    this.#of(action).calls++;
  }

  failed(action: string, code: string): void {
    const stats = this.#of(action);
    stats.errors[code] = (stats.errors[code] ?? 0) + 1;
    if (code === "RequestLimitExceeded") stats.throttled++;
  }

  /** A copy of the counts, by action. */
  snapshot(): Record<string, ActionStats> {
    return Object.fromEntries(
      [...this.#byAction].map(([action, stats]) => [action, { ...stats, errors: { ...stats.errors } }]),
    );
  }

  reset(): void {
    this.#byAction.clear();
  }

  #of(action: string): ActionStats {
    const stats = this.#byAction.get(action) ?? { calls: 0, throttled: 0, errors: {} };
    this.#byAction.set(action, stats);
    return stats;
  }
}
