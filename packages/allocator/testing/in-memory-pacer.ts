import {
  type Clock,
  defaultQuotas,
  freshPacer,
  grantTokens,
  learnFromCalls,
  type Pacer,
  type Quotas,
} from "@trunkline/core";

/** A pacer that paces as the real one does, with its buckets in memory. */
export const createInMemoryPacer = (clock: Clock, quotas: Quotas = defaultQuotas): Pacer => {
  let state = freshPacer(clock.now());
  return {
    ask: async (requests) => {
      const answered = grantTokens(state, requests, clock.now(), quotas);
      state = answered.state;
      return answered.grants;
    },
    report: async (calls) => {
      state = learnFromCalls(state, calls, clock.now(), quotas);
    },
  };
};
