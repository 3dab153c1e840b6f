/** Types that only answer: who am I, and may I. */

import type { KubernetesObject } from "../../ports.ts";
import { isObject } from "../json.ts";
import { apiVersionOf, type ResourceType } from "../resource-type.ts";
import { noSuchPath } from "../statuses.ts";
import type { RequestContext } from "./context.ts";

/** The answer to a review. Everybody may do everything here: the emulator has no authorizer. */
export function answerReview(type: ResourceType, body: unknown, context: RequestContext): KubernetesObject {
  const asked = isObject(body) ? body : {};
  return {
    ...asked,
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: {},
    status: reviewStatus(type, context),
  };
}

function reviewStatus(type: ResourceType, context: RequestContext): unknown {
  switch (type.kind) {
    case "SelfSubjectReview":
      return { userInfo: { username: context.user.username, groups: context.user.groups } };
    case "SelfSubjectAccessReview":
      return { allowed: true };
    case "SelfSubjectRulesReview":
      return {
        incomplete: false,
        resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
        nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
      };
    default:
      throw noSuchPath();
  }
}
