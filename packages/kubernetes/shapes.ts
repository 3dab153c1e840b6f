import type { NodeObject, ObjectMeta, PodObject } from "./objects.ts";

/** An object whose fields that the rules look at are of their types, or which of them is not. */
export type Shaped<Object> =
  | { readonly ok: true; readonly object: Object }
  | { readonly ok: false; readonly problem: string };

/** What is wrong with a value, if anything; `path` names it. */
type Check = (value: unknown, path: string) => string | undefined;

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A value that may be absent or null, as every field of a Kubernetes object may. */
const optional =
  (holds: (value: unknown) => boolean, what: string): Check =>
  (value, path) =>
    value === undefined || value === null || holds(value) ? undefined : `${path} must be ${what}`;

const text = optional((value) => typeof value === "string", "a text");
const flag = optional((value) => typeof value === "boolean", "true or false");
const texts = optional(
  (value) => isMap(value) && Object.values(value).every((entry) => typeof entry === "string"),
  "a map of texts",
);
const quantities = optional(
  (value) => isMap(value) && Object.values(value).every((entry) => ["string", "number"].includes(typeof entry)),
  "a map of quantities",
);

/** A map of which some fields are looked at. */
const fields =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value, path) => {
    if (value === undefined || value === null) return undefined;
    if (!isMap(value)) return `${path} must be an object`;
    for (const [name, check] of Object.entries(checks)) {
      const problem = check(
        Object.hasOwn(value, name) ? value[name] : undefined,
        path === "" ? name : `${path}.${name}`,
      );
      if (problem !== undefined) return problem;
    }
    return undefined;
  };

/** A list, each of whose entries is checked and is there. */
const list =
  (check: Check): Check =>
  (value, path) => {
    if (value === undefined || value === null) return undefined;
    if (!Array.isArray(value)) return `${path} must be a list`;
    for (const [index, entry] of value.entries()) {
      const problem = isMap(entry) ? check(entry, `${path}[${index}]`) : `${path}[${index}] must be an object`;
      if (problem !== undefined) return problem;
    }
    return undefined;
  };

const metadata = fields({ namespace: text, labels: texts, annotations: texts });

const podCheck = fields({
  metadata,
  spec: fields({
    hostNetwork: flag,
    serviceAccountName: text,
    nodeSelector: texts,
    os: fields({ name: text }),
    containers: list(fields({ resources: fields({ limits: quantities, requests: quantities }) })),
  }),
});

const describedCheck = fields({ metadata });

const shaped = <Object>(value: unknown, check: Check): Shaped<Object> => {
  if (!isMap(value)) return { ok: false, problem: "the object is missing" };
  const problem = check(value, "");
  return problem === undefined ? { ok: true, object: value as Object } : { ok: false, problem };
};

/** Takes what came as a pod in an admission request. The API server sends nothing else, but others can reach the port. */
export const shapePod = (value: unknown): Shaped<PodObject> => shaped(value, podCheck);

/** Takes what came as a node, or as anything of which only the metadata matter. */
export const shapeNode = (value: unknown): Shaped<NodeObject> => shaped(value, describedCheck);

/** Takes what came as a Binding, whose annotations become the pod's. */
export const shapeBinding = (value: unknown): Shaped<{ readonly metadata?: ObjectMeta }> =>
  shaped(value, describedCheck);
