import {
  guardBinding,
  guardChangedNode,
  guardChangedPod,
  guardNewPod,
  labelsOfNewPod,
  mutatePod,
  type PodLabels,
  type PodObject,
  type PolicyMatch,
  type Shaped,
  type StringMap,
  shapeBinding,
  shapeNode,
  shapePod,
  type Verdict,
} from "@trunkline/kubernetes";
import { textOf } from "../ports/log.ts";
import type { AdmissionRequest } from "./review.ts";

/** The paths of the webhooks, as the API server's configuration names them. */
export const hooks = ["/mutate-v1-pod", "/validate-v1-pod", "/validate-v1-node"] as const;

/** One of {@link hooks}. */
export type Hook = (typeof hooks)[number];

/** What judging needs to know of the cluster. */
export interface JudgeOptions {
  /** The pod's policies; with the labels of its ServiceAccount when the copy may lack it. */
  readonly match: (pod: PodLabels, serviceAccountLabels?: StringMap) => PolicyMatch;
  /** Asks the API server for the labels of a ServiceAccount; undefined when there is none. Rejects when it cannot tell. */
  readonly lookUpServiceAccount: (namespace: string, name: string) => Promise<StringMap | undefined>;
}

const pass: Verdict = { allowed: true, patch: [] };

/** An object that is not of its kind is not judged by what is left of it. */
const unjudged = (problem: string): Verdict => ({
  allowed: false,
  code: 400,
  reason: `the object cannot be judged: ${problem}`,
});

/** The verdict on one request; a hook that was called for an operation that it has no rule for lets it pass. Never rejects. */
export const judge = async (hook: Hook, request: AdmissionRequest, options: JudgeOptions): Promise<Verdict> => {
  const user = request.userInfo?.username ?? "";
  switch (hook) {
    case "/mutate-v1-pod":
      if (request.operation !== "CREATE" || (request.subResource ?? "") !== "") return pass;
      return whenShaped([shapePod(request.object)], ([pod]) => mutate(pod, request.namespace ?? "", options));
    case "/validate-v1-pod":
      return guardPod(request, user);
    case "/validate-v1-node":
      if (request.operation !== "UPDATE") return pass;
      return whenShaped([shapeNode(request.oldObject), shapeNode(request.object)], ([before, after]) =>
        guardChangedNode(before, after, user),
      );
  }
};

const guardPod = (request: AdmissionRequest, user: string): Verdict | Promise<Verdict> => {
  const { operation, object, oldObject } = request;
  if (operation === "UPDATE") {
    return whenShaped([shapePod(oldObject), shapePod(object)], ([before, after]) =>
      guardChangedPod(before, after, user),
    );
  }
  if (operation !== "CREATE") return pass;
  const subresource = request.subResource ?? "";
  if (subresource === "binding" || request.resource?.resource === "bindings") {
    return whenShaped([shapeBinding(object)], ([binding]) => guardBinding(binding));
  }
  return subresource === "" ? whenShaped([shapePod(object)], ([pod]) => guardNewPod(pod)) : pass;
};

/** Judges objects that are all of their kinds. */
const whenShaped = <Objects extends readonly object[]>(
  shaped: { readonly [Index in keyof Objects]: Shaped<Objects[Index]> },
  judged: (objects: Objects) => Verdict | Promise<Verdict>,
): Verdict | Promise<Verdict> => {
  const objects: object[] = [];
  for (const one of shaped) {
    if (!one.ok) return unjudged(one.problem);
    objects.push(one.object);
  }
  return judged(objects as unknown as Objects);
};

/** Names of ServiceAccounts and namespaces; nothing else becomes part of a path. */
const namePattern = /^[a-z0-9][a-z0-9.-]{0,252}$/;

/** A ServiceAccount that was created a moment before the pod may be missing from the copy: then the API server is asked. */
const mutate = async (
  pod: PodObject,
  namespace: string,
  { match, lookUpServiceAccount }: JudgeOptions,
): Promise<Verdict> => {
  let isMatched = false;
  const verdict = mutatePod(pod, namespace, (labels) => {
    const found = match(labels);
    isMatched = found.ok;
    return found;
  });
  if (verdict.allowed || isMatched) return verdict;
  const { namespace: podNamespace, serviceAccountName } = labelsOfNewPod(pod, namespace);
  if (![podNamespace, serviceAccountName].every((name) => namePattern.test(name))) return verdict;
  try {
    const labels = await lookUpServiceAccount(podNamespace, serviceAccountName);
    return labels === undefined ? verdict : mutatePod(pod, namespace, (found) => match(found, labels));
  } catch (problem) {
    return { allowed: false, reason: `serviceaccounts "${serviceAccountName}" cannot be read: ${textOf(problem)}` };
  }
};
