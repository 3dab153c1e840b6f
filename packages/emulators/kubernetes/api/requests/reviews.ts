/** Types that only answer: who am I, and may I. */

import type { KubernetesObject } from "../../ports.ts";
import type { Attributes } from "../authorization/attributes.ts";
import type { Rule } from "../authorization/rules.ts";
import { isObject, type JsonObject, objectAt, stringAt } from "../json.ts";
import { apiVersionOf, type ResourceType } from "../resource-type.ts";
import { invalid, invalidValue, noSuchPath } from "../statuses.ts";
import type { ApiState, RequestContext } from "./context.ts";

/** The answer to a review. Throws 422 for one that asks nothing, or two things at once. */
export function answerReview(
  { authorizer }: Pick<ApiState, "authorizer">,
  type: ResourceType,
  body: unknown,
  { user }: Pick<RequestContext, "user">,
): KubernetesObject {
  const asked = isObject(body) ? body : {};
  const answer = (status: unknown) => ({
    ...asked,
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: {},
    status,
  });
  switch (type.kind) {
    case "SelfSubjectReview":
      return answer({ userInfo: { username: user.username, groups: user.groups } });
    case "SelfSubjectAccessReview": {
      const { allowed, reason } = authorizer.decide(user, askedAttributes(type, asked));
      return answer({ allowed, ...(reason === "" ? {} : { reason }) });
    }
    case "SelfSubjectRulesReview":
      return answer(rulesStatus(authorizer.rulesOf(user, stringAt(asked, "spec", "namespace") ?? "")));
    default:
      throw noSuchPath();
  }
}

function askedAttributes(type: ResourceType, review: JsonObject): Attributes {
  const resource = objectAt(review, "spec", "resourceAttributes");
  const path = objectAt(review, "spec", "nonResourceAttributes");
  const text = (of: JsonObject, field: string) => stringAt(of, field) ?? "";
  if (resource !== undefined && path === undefined) {
    return {
      verb: text(resource, "verb"),
      group: text(resource, "group"),
      resource: text(resource, "resource"),
      subresource: text(resource, "subresource"),
      namespace: text(resource, "namespace"),
      name: text(resource, "name"),
    };
  }
  if (path !== undefined && resource === undefined) return { verb: text(path, "verb"), path: text(path, "path") };
  const problem =
    path === undefined
      ? invalidValue(
          "spec.resourceAttributes",
          null,
          "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        )
      : invalidValue("spec.nonResourceAttributes", path, "cannot be specified in combination with resourceAttributes");
  throw invalid(type, "", [problem]);
}

function rulesStatus(rules: readonly Rule[]): JsonObject {
  return {
    incomplete: false,
    resourceRules: rules
      .filter(({ resources }) => resources.length > 0)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames.length === 0 ? {} : { resourceNames }),
      })),
    nonResourceRules: rules
      .filter(({ nonResourceURLs }) => nonResourceURLs.length > 0)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
  };
}
