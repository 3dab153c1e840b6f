/**
 * What a request asks to do, as an authorizer sees it.
 * See https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb.
 */

import type { StatusError } from "../../ports.ts";
import { resourceRoute } from "../http/route.ts";
import { forbidden, refusal } from "../statuses.ts";
import { exactName } from "../store/field-selector.ts";
import type { User } from "./user.ts";

/** A request on a resource; absent parts are empty. */
export interface ResourceAttributes {
  verb: string;
  group: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
}

/** A request on a path that names no resource, such as `/healthz`. */
export interface PathAttributes {
  verb: string;
  path: string;
}

/** What is asked. */
export type Attributes = ResourceAttributes | PathAttributes;

/** Whether a path was asked for, and not a resource. */
export function isPath(attributes: Attributes): attributes is PathAttributes {
  return "path" in attributes;
}

const VERBS: Readonly<Record<string, string>> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** The attributes of a request by HTTP. */
export function attributesOf(method: string, url: URL): Attributes {
  const route = resourceRoute(url.pathname);
  if (route === undefined) return { verb: method.toLowerCase(), path: url.pathname };
  const { group, resource, subresource = "", name = "", namespace } = route;
  const verb = VERBS[method] ?? "";
  // A namespace counts as being inside itself, so that a Role in it can grant it.
  const own = namespace ?? (resource === "namespaces" ? name : "");
  const attributes = { verb, group, resource, subresource, namespace: own, name };
  if (name !== "") return attributes;
  if (verb === "delete") return { ...attributes, verb: "deletecollection" };
  if (verb !== "get") return attributes;
  const selected = exactName(url.searchParams.get("fieldSelector") ?? "") ?? "";
  return { ...attributes, verb: isWatch(url.searchParams) ? "watch" : "list", name: selected };
}

/** Whether a list is to go on as a watch. */
export function isWatch(query: URLSearchParams): boolean {
  const value = query.get("watch");
  return value !== null && value.toLowerCase() !== "false" && value !== "0";
}

/** 403 in the words of https://github.com/kubernetes/apiserver/blob/master/pkg/endpoints/handlers/responsewriters/errors.go. */
export function notAuthorized({ username }: User, attributes: Attributes, reason: string): StatusError {
  const who = `User ${JSON.stringify(username)} cannot ${attributes.verb}`;
  const because = reason === "" ? "" : `: ${reason}`;
  if (isPath(attributes)) {
    return refusal(403, "Forbidden", `forbidden: ${who} path ${JSON.stringify(attributes.path)}${because}`, {});
  }
  const { group, resource, subresource, namespace } = attributes;
  const part = subresource === "" ? resource : `${resource}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  return forbidden(
    attributes,
    `${who} resource ${JSON.stringify(part)} in API group ${JSON.stringify(group)} ${where}${because}`,
  );
}
