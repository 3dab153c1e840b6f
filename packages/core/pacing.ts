import { learn, priorities } from "./pacing-bucket.ts";
import { bucketOf, closeDesk, entriesOf, openDesk, type PacerState } from "./pacing-desk.ts";
import type { Quotas } from "./pacing-quotas.ts";
import { answer } from "./pacing-turns.ts";
import type { Ec2Action, TokenGrant, TokenRequest } from "./ports.ts";

export type { PacerState } from "./pacing-desk.ts";
export { unenteredTag, urgentTag } from "./pacing-turns.ts";

/** What calls met, per action: how many were made, and how many of them were throttled. */
export type CallCounts = Partial<Readonly<Record<Ec2Action, { readonly made: number; readonly throttled: number }>>>;

/** A pacer's state before its first use. */
export function freshPacer(now: number): PacerState {
  return { at: now, buckets: {} };
}

/** Lets the buckets know what calls met until now (P18). */
export function learnFromCalls(state: PacerState, calls: CallCounts, now: number, quotas: Quotas): PacerState {
  const desk = openDesk(state, now, quotas);
  for (const [action, counts] of entriesOf(calls)) desk.buckets.set(action, learn(bucketOf(desk, action), counts));
  return closeDesk(desk);
}

/**
 * Answers the requests of a batch (P17): the most urgent first, then in their order, each wholly, in part or not at
 * all. Calls that start within any time t never exceed the usable capacity plus t times the refill rate.
 *
 * Pods take turns by their tags. What a clean-up or the background is told is only when to come back: it carries no
 * tag, and takes what pods leave.
 *
 * @param now - the asking worker's time, epoch milliseconds; it may be behind that of the state.
 * @returns the state to keep, and the answers in the order of the requests.
 * @throws RangeError for a unit without actions, or of more tokens than its bucket ever gives: a bug of the caller.
 */
export function grantTokens(
  state: PacerState,
  requests: readonly TokenRequest[],
  now: number,
  quotas: Quotas,
): { readonly state: PacerState; readonly grants: readonly TokenGrant[] } {
  const desk = openDesk(state, now, quotas);
  const grants: TokenGrant[] = [];
  for (const priority of priorities) {
    for (const [place, request] of requests.entries()) {
      if (request.priority === priority) grants[place] = answer(desk, request);
    }
  }
  return { state: closeDesk(desk), grants };
}
