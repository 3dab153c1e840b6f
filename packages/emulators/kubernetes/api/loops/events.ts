/** Forgets events after their time to live, one hour unless configured otherwise. */

import type { ApiState } from "../requests/context.ts";

const SWEEP_MS = 60_000;
const TTL_SECONDS = 3_600;

/** Starts the loop; the returned function stops it. */
export function startEventExpiry(state: ApiState, ttlSeconds = TTL_SECONDS): () => void {
  let cancel = () => {};
  const sweep = () => {
    const oldestMs = state.clock.now() - ttlSeconds * 1000;
    for (const event of state.store.list("/events")) {
      const seen = String(event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? "");
      if (Date.parse(seen) < oldestMs) state.store.remove("/events", event);
    }
    cancel = state.clock.schedule(SWEEP_MS, sweep);
  };
  cancel = state.clock.schedule(SWEEP_MS, sweep);
  return () => cancel();
}
