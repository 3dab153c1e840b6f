/** Times as the API writes them. */

const SECOND = 1;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** RFC 3339 with whole seconds, as `metav1.Time` is written. */
export function timestamp(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

/** RFC 3339 with microseconds, as `metav1.MicroTime` is written. */
export function microTimestamp(epochMs: number): string {
  return new Date(epochMs).toISOString().replace("Z", "000Z");
}

/**
 * The age as kubectl prints it: `9s`, `2m5s`, `12m`, `3h7m`, `30h`, `2d4h`, `400d`, `3y20d`.
 * See https://github.com/kubernetes/apimachinery/blob/master/pkg/util/duration/duration.go.
 */
export function humanDuration(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 2 * MINUTE) return `${seconds}s`;
  if (seconds < 10 * MINUTE) return pair(seconds, [MINUTE, "m"], [SECOND, "s"]);
  if (seconds < 3 * HOUR) return `${Math.floor(seconds / MINUTE)}m`;
  if (seconds < 8 * HOUR) return pair(seconds, [HOUR, "h"], [MINUTE, "m"]);
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)}h`;
  if (seconds < 8 * DAY) return pair(seconds, [DAY, "d"], [HOUR, "h"]);
  if (seconds < 2 * YEAR) return `${Math.floor(seconds / DAY)}d`;
  if (seconds < 8 * YEAR) return pair(seconds, [YEAR, "y"], [DAY, "d"]);
  return `${Math.floor(seconds / YEAR)}y`;
}

/** Two units; the smaller one is left out when it is zero. */
function pair(seconds: number, large: [number, string], small: [number, string]): string {
  const rest = Math.floor((seconds % large[0]) / small[0]);
  return `${Math.floor(seconds / large[0])}${large[1]}${rest === 0 ? "" : `${rest}${small[1]}`}`;
}

/** How long ago an RFC 3339 time was; `<unknown>` without one. */
export function ageOf(time: string | undefined, nowMs: number): string {
  const epochMs = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(epochMs) ? "<unknown>" : humanDuration(nowMs - epochMs);
}
