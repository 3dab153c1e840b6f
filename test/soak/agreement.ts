import { branchDisagreements } from "./branches-agree.ts";
import { nodeDisagreements } from "./nodes-agree.ts";
import { podDisagreements } from "./pods-agree.ts";
import type { Truth } from "./truth.ts";

/**
 * Compares ledger, EC2 and Kubernetes at a moment of rest: every living pod that asks for branch ENIs has them, each ENI of ours
 * is somebody's, and each node tells of its trunk.
 *
 * @returns one sentence for each disagreement; none when all three agree exactly.
 */
export function disagreements(truth: Truth): readonly string[] {
  const dead = [...truth.deadLetters].filter(([, count]) => count > 0);
  return [
    ...podDisagreements(truth),
    ...branchDisagreements(truth),
    ...nodeDisagreements(truth),
    ...dead.map(([queue, count]) => `the queue ${queue} has ${count} dead letters`),
  ];
}

/**
 * What is left of the branches after the last pod is gone.
 *
 * @returns one sentence for each branch ENI, association or record that still lives; none when everything is gone.
 */
export function leftovers({ enis, associations, branches, trunks }: Truth): readonly string[] {
  return [
    ...enis.filter(({ isTrunk }) => !isTrunk).map(({ eniId }) => `the branch ENI ${eniId} is left`),
    ...associations.map(({ associationId }) => `the association ${associationId} is left`),
    ...branches
      .filter(({ status }) => status !== "gone")
      .map(({ owner, index, status }) => `the branch ${owner}#${index} is left, ${status}`),
    ...trunks
      .filter(({ status, held }) => status !== "gone" && held > 0)
      .map(({ instanceId, held }) => `the trunk of ${instanceId} holds ${held} slots and no branch`),
  ];
}
