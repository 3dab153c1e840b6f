/** Between the type that a request names and the type that is stored, which differ for events only. */

import type { KubernetesObject } from "../../ports.ts";
import type { ResourceType } from "../resource-type.ts";
import type { ApiState } from "./context.ts";

/** The type under which the objects of `type` are stored. */
export function storedType(state: ApiState, type: ResourceType): ResourceType {
  return type.view === undefined ? type : (state.types.byCollection(type.collection) ?? type);
}

/** A stored object as the type shows it; a custom object in the version that was asked for. */
export function shownAs(type: ResourceType, object: KubernetesObject): KubernetesObject {
  if (type.view !== undefined) return type.view.fromStored(object);
  if (type.custom === undefined) return object;
  const apiVersion = `${type.group}/${type.version}`;
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}
