/**
 * Discovery: which groups, versions and types there are.
 * See https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api.
 */

import type { JsonObject } from "../json.ts";
import { apiVersionOf, type ResourceType, type Subresource } from "../resource-type.ts";
import type { TypeRegistry } from "../type-registry.ts";

/** What `/version` answers. Kept in step with the client whose models describe the built-in types. */
const VERSION: JsonObject = {
  major: "1",
  minor: "32",
  gitVersion: "v1.32.0",
  gitCommit: "70d3cc986aa8221cd1dfb1121852688902d3bf53",
  gitTreeState: "clean",
  buildDate: "2024-12-11T17:59:15Z",
  goVersion: "go1.23.3",
  compiler: "gc",
  platform: "linux/amd64",
};

/** The media type of aggregated discovery, when the client asks for it. */
export const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

const PART_KINDS: Readonly<Record<Subresource, { group: string; version: string; kind: string } | undefined>> = {
  status: undefined,
  finalize: undefined,
  log: undefined,
  scale: { group: "autoscaling", version: "v1", kind: "Scale" },
  binding: { group: "", version: "v1", kind: "Binding" },
  eviction: { group: "policy", version: "v1", kind: "Eviction" },
  token: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" },
};

function partVerbs(part: Subresource): string[] {
  if (part === "binding" || part === "eviction" || part === "token") return ["create"];
  if (part === "log") return ["get"];
  return part === "finalize" ? ["update"] : ["get", "patch", "update"];
}

/** Answers a discovery path, or `undefined` when the path is another. */
export function discover(types: TypeRegistry, path: string, aggregated: boolean): JsonObject | undefined {
  if (path === "/version") return VERSION;
  if (path === "/api") return aggregated ? aggregatedGroups(types, true) : coreVersions();
  if (path === "/apis") return aggregated ? aggregatedGroups(types, false) : groupList(types);
  const core = /^\/api\/(v1)$/.exec(path);
  if (core !== null) return resourceList(types, "", "v1");
  const named = /^\/apis\/([^/]+)(?:\/([^/]+))?$/.exec(path);
  if (named === null) return undefined;
  const [, group = "", version] = named;
  return version === undefined ? groupOf(types, group) : resourceList(types, group, version);
}

function coreVersions(): JsonObject {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: "127.0.0.1" }],
  };
}

function groupList(types: TypeRegistry): JsonObject {
  const groups = types.groups().filter(({ group }) => group !== "");
  return { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(describeGroup) };
}

function describeGroup({ group, versions }: { group: string; versions: string[] }): JsonObject {
  const described = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: described, preferredVersion: described[0] };
}

function groupOf(types: TypeRegistry, name: string): JsonObject | undefined {
  const found = types.groups().find(({ group }) => group === name);
  return found === undefined ? undefined : { kind: "APIGroup", apiVersion: "v1", ...describeGroup(found) };
}

function resourceList(types: TypeRegistry, group: string, version: string): JsonObject | undefined {
  const served = types.all().filter((type) => type.group === group && type.version === version);
  if (served.length === 0) return undefined;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: group === "" ? version : `${group}/${version}`,
    resources: served.flatMap((type) => [
      describeType(type),
      ...type.subresources.map((part) => describePart(type, part)),
    ]),
  };
}

function describeType(type: ResourceType): JsonObject {
  return {
    name: type.resource,
    singularName: type.singular,
    namespaced: type.namespaced,
    kind: type.kind,
    verbs: type.verbs,
    ...(type.shortNames.length === 0 ? {} : { shortNames: type.shortNames }),
    ...(type.categories.length === 0 ? {} : { categories: type.categories }),
  };
}

function describePart(type: ResourceType, part: Subresource): JsonObject {
  const kind = PART_KINDS[part];
  return {
    name: `${type.resource}/${part}`,
    singularName: "",
    namespaced: type.namespaced,
    kind: kind?.kind ?? type.kind,
    ...(kind === undefined ? {} : { group: kind.group, version: kind.version }),
    verbs: partVerbs(part),
  };
}

function aggregatedGroups(types: TypeRegistry, core: boolean): JsonObject {
  const groups = types.groups().filter(({ group }) => (group === "") === core);
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    metadata: {},
    items: groups.map(({ group, versions }) => ({
      metadata: { name: group, creationTimestamp: null },
      versions: versions.map((version) => ({
        version,
        freshness: "Current",
        resources: types
          .all()
          .filter((type) => type.group === group && type.version === version)
          .map(aggregatedType),
      })),
    })),
  };
}

function aggregatedType(type: ResourceType): JsonObject {
  const kind = { group: type.group, version: type.version, kind: type.kind };
  return {
    resource: type.resource,
    responseKind: kind,
    scope: type.namespaced ? "Namespaced" : "Cluster",
    singularResource: type.singular,
    verbs: type.verbs,
    ...(type.shortNames.length === 0 ? {} : { shortNames: type.shortNames }),
    ...(type.categories.length === 0 ? {} : { categories: type.categories }),
    ...(type.subresources.length === 0
      ? {}
      : {
          subresources: type.subresources.map((part) => ({
            subresource: part,
            responseKind: PART_KINDS[part] ?? kind,
            verbs: partVerbs(part),
          })),
        }),
  };
}

/** The group and version under which a type's OpenAPI document stands, as `api/v1` or `apis/apps/v1`. */
export function documentOf(type: { group: string; version: string }): string {
  return type.group === "" ? `api/${type.version}` : `apis/${apiVersionOf(type)}`;
}
