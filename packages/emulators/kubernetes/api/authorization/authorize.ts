/** Who makes a request, and whether that user may. */

import type { IncomingHttpHeaders } from "node:http";
import { badRequest } from "../statuses.ts";
import { type Attributes, attributesOf, notAuthorized, type ResourceAttributes } from "./attributes.ts";
import type { Authorizer, Decision } from "./rbac.ts";
import { type User, userNamed } from "./user.ts";

/** One decision about a request, for whoever keeps an audit log. */
export interface Authorization {
  user: User;
  attributes: Attributes;
  decision: Decision;
}

/** A request as far as authorization looks at it. */
export interface AuthorizedRequest {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
}

/** What {@link authorize} asks and tells. */
export interface Authority {
  authorizer: Authorizer;
  onAuthorization?: (authorization: Authorization) => void;
}

/** Answers whom the request acts as; throws 403 when that user may not make it. */
export function authorize(authority: Authority, authenticated: User, request: AuthorizedRequest): User {
  const user = impersonated(authority, authenticated, request.headers);
  demand(authority, user, attributesOf(request.method, request.url));
  return user;
}

/** Throws 403 unless the user may do this. */
export function demand({ authorizer, onAuthorization }: Authority, user: User, attributes: Attributes): void {
  const decision = authorizer.decide(user, attributes);
  onAuthorization?.({ user, attributes, decision });
  if (!decision.allowed) throw notAuthorized(user, attributes, decision.reason);
}

/**
 * The user in whose place the request is made, else the one who makes it.
 * See https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation.
 */
function impersonated(authority: Authority, user: User, headers: IncomingHttpHeaders): User {
  const username = first(headers["impersonate-user"]);
  const groups = (first(headers["impersonate-group"]) ?? "").split(",").flatMap((group) => group.trim() || []);
  if (username === undefined) {
    if (groups.length > 0) throw badRequest("requested groups without impersonating a user");
    return user;
  }
  demand(authority, user, impersonation(username));
  for (const group of groups) demand(authority, user, { ...impersonation(group), resource: "groups" });
  return userNamed(username, groups);
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(",") : value;
}

function impersonation(username: string): ResourceAttributes {
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username);
  const asked = { verb: "impersonate", group: "", subresource: "" };
  if (account === null) return { ...asked, resource: "users", namespace: "", name: username };
  return { ...asked, resource: "serviceaccounts", namespace: account[1] ?? "", name: account[2] ?? "" };
}
