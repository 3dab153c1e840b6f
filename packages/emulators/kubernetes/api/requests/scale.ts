/** The `scale` subresource: how many replicas an object wants and has, in one shape for all kinds. */

import type { KubernetesObject, PatchRequest } from "../../ports.ts";
import { at, copy, isObject, type JsonObject, numberAt, objectAt, objectIn, stringAt } from "../json.ts";
import { jsonPatch } from "../patch/json-patch.ts";
import { mergePatch } from "../patch/merge-patch.ts";
import type { ResourceType } from "../resource-type.ts";
import { badRequest, conflict, notFound, objectModified } from "../statuses.ts";
import { formatSelector } from "../store/label-selector.ts";
import type { ApiState, RequestContext, Target } from "./context.ts";
import { changeObject } from "./update.ts";

const BUILT_IN = { specReplicas: ".spec.replicas", statusReplicas: ".status.replicas", labelSelector: undefined };

function pathsOf(type: ResourceType): {
  specReplicas: string;
  statusReplicas: string;
  labelSelector: string | undefined;
} {
  return type.custom?.scale ?? BUILT_IN;
}

function steps(path: string): string[] {
  return path.split(".").filter((step) => step !== "");
}

/** The scale of an object. */
export function scaleOf(type: ResourceType, object: KubernetesObject): KubernetesObject {
  const paths = pathsOf(type);
  const { name = "", namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector =
    type.custom === undefined
      ? formatSelector(objectAt(object, "spec", "selector"))
      : stringAt(object, ...steps(paths.labelSelector ?? ""));
  return {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: { replicas: numberAt(object, ...steps(paths.specReplicas)) ?? 0 },
    status: {
      replicas: numberAt(object, ...steps(paths.statusReplicas)) ?? 0,
      ...(selector === undefined ? {} : { selector }),
    },
  };
}

/** The scale of the object of that name; 404 when there is none. */
export function readScale(state: ApiState, target: Target): KubernetesObject {
  const object = state.store.get(target.type.collection, target.namespace, target.name);
  if (object === undefined) throw notFound({ ...target.type, name: target.name });
  return scaleOf(target.type, object);
}

/** Replaces or patches the scale, and so the wanted replicas. */
export async function writeScale(
  state: ApiState,
  target: Target,
  write: { replace: unknown } | { patch: PatchRequest },
  context: RequestContext,
): Promise<KubernetesObject> {
  const changed = await changeObject(
    state,
    target,
    {
      compute: (present) => {
        const scale = scaleOf(target.type, present);
        const next = "replace" in write ? write.replace : patchedScale(scale, write.patch);
        const version = stringAt(next, "metadata", "resourceVersion") ?? "";
        if (version !== "" && version !== present.metadata.resourceVersion) {
          throw conflict({ ...target.type, name: target.name }, objectModified);
        }
        return withReplicas(target.type, present, wantedReplicas(next));
      },
    },
    context,
  );
  return scaleOf(target.type, changed);
}

function patchedScale(scale: KubernetesObject, patch: PatchRequest): unknown {
  return patch.type === "json" ? jsonPatch(scale, patch.body) : mergePatch(scale, patch.body);
}

function wantedReplicas(scale: unknown): number {
  const replicas = at(scale, "spec", "replicas") ?? 0;
  if (typeof replicas === "number" && Number.isInteger(replicas) && replicas >= 0) return replicas;
  throw badRequest(
    `Scale is invalid: spec.replicas: Invalid value: ${JSON.stringify(replicas)}: must be a whole number that is not negative`,
  );
}

function withReplicas(type: ResourceType, present: KubernetesObject, replicas: number): JsonObject {
  const next = copy<JsonObject>(present);
  const path = steps(pathsOf(type).specReplicas);
  const parent = path.slice(0, -1).reduce((inner, step) => objectIn(inner, step), next);
  const last = path.at(-1);
  if (last !== undefined && isObject(parent)) parent[last] = replicas;
  return next;
}
