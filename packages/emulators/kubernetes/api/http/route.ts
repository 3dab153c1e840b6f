/** Paths of the API, see https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris. */

/** A path to a collection, an object, or a part of an object. */
export interface ResourceRoute {
  group: string;
  version: string;
  resource: string;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
}

const OWN_PARTS = ["status", "finalize"];

/** The resource that a path names, or `undefined` when it names none. */
export function resourceRoute(path: string): ResourceRoute | undefined {
  const segments = path
    .split("/")
    .filter((segment) => segment !== "")
    .map(decodeSegment);
  const [root, ...rest] = segments;
  if (root === "api" && rest.length >= 2) return inGroup("", rest[0] ?? "", rest.slice(1));
  if (root === "apis" && rest.length >= 3) return inGroup(rest[0] ?? "", rest[1] ?? "", rest.slice(2));
  return undefined;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function inGroup(group: string, version: string, segments: string[]): ResourceRoute | undefined {
  const [first = "", second, third] = segments;
  const isNamespaced = first === "namespaces" && second !== undefined && third !== undefined;
  if (isNamespaced && !(OWN_PARTS.includes(third) && segments.length === 3)) {
    if (segments.length > 5) return undefined;
    return { group, version, namespace: second, resource: third, name: segments[3], subresource: segments[4] };
  }
  if (segments.length > 3) return undefined;
  return { group, version, namespace: undefined, resource: first, name: second, subresource: third };
}
