/** The types that the API server serves: what discovery, paths, decoding and the rules of a kind hang on. */

import type { KubernetesObject, Random } from "../ports.ts";
import type { JsonObject } from "./json.ts";
import type { ObjectSchema } from "./schema/schema.ts";
import type { FieldProblem } from "./statuses.ts";

/** A part of an object with a path of its own. */
export type Subresource = "status" | "scale" | "binding" | "eviction" | "log" | "token" | "finalize";

/** What is particular to a kind. Functions that say so change the object that they are given, a private copy. */
export interface KindRules {
  /** Fills in what the user left out, in place. */
  setDefaults?(object: KubernetesObject): void;
  /** Puts a new object into its first state, in place, such as phase Pending. */
  prepareCreate?(object: KubernetesObject): void;
  /** Carries over what a user cannot change, in place. */
  prepareUpdate?(next: KubernetesObject, old: KubernetesObject): void;
  validate?(object: KubernetesObject): FieldProblem[];
  validateUpdate?(next: KubernetesObject, old: KubernetesObject): FieldProblem[];
  /** How many seconds the object lives on after a delete that asks for so many, or for none in particular. */
  gracePeriodSeconds?(object: KubernetesObject, requestedSeconds: number | undefined): number;
  /** Gives out what must differ from the other objects of the kind, such as a service's address, in place. */
  allocate?(object: KubernetesObject, others: readonly KubernetesObject[], random: Random): void;
  /** What is wrong with a status that is written by its own path. */
  validateStatus?(next: KubernetesObject): FieldProblem[];
  /** What the `status` path may change of the metadata too (pods, nodes and namespaces); nothing when absent. */
  statusMayChangeMetadata?: "all" | "all but owners";
}

/** A column of a custom resource's table. */
export interface PrinterColumn {
  name: string;
  type: string;
  format?: string;
  description?: string;
  jsonPath: string;
  priority: number;
}

/** Another group's view of stored objects, as `events.k8s.io` has of core events. */
export interface View {
  fromStored(object: KubernetesObject): KubernetesObject;
  toStored(object: KubernetesObject): KubernetesObject;
  /** What is wrong with a new object, as stored, by the rules that this group adds. */
  validate(object: KubernetesObject): FieldProblem[];
  /** As `validate`, for a change. */
  validateUpdate(next: KubernetesObject, old: KubernetesObject): FieldProblem[];
}

/** What a custom type adds. */
export interface CustomType {
  /** The name of its definition. */
  definition: string;
  openApi: JsonObject | undefined;
  columns: PrinterColumn[];
  /** Where the scale subresource finds its numbers, as paths such as `.spec.replicas`. */
  scale: { specReplicas: string; statusReplicas: string; labelSelector: string | undefined } | undefined;
  selectableFields: string[];
}

/** A served type. */
export interface ResourceType {
  group: string;
  version: string;
  kind: string;
  /** The plural, as in paths. */
  resource: string;
  singular: string;
  shortNames: readonly string[];
  categories: readonly string[];
  namespaced: boolean;
  subresources: readonly Subresource[];
  /** A type without storage answers creations only (reviews). */
  verbs: readonly string[];
  schema: ObjectSchema;
  rules: KindRules;
  /** The name of its collection in the store; two views of the same objects share it. */
  collection: string;
  /** `metadata.generation` counts changes of the specification. */
  hasGeneration: boolean;
  /**
   * A PUT without a version replaces whatever is there; otherwise it is refused. Each type's `AllowUnconditionalUpdate`:
   * https://github.com/kubernetes/kubernetes/tree/master/pkg/registry.
   */
  unconditionalUpdate: boolean;
  view?: View;
  custom?: CustomType;
}

/** The verbs of a type that is stored. */
export const STORED_VERBS: readonly string[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

/** `v1` or `apps/v1`. */
export function apiVersionOf(type: { group: string; version: string }): string {
  return type.group === "" ? type.version : `${type.group}/${type.version}`;
}

/** The inverse of {@link apiVersionOf}. */
export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf("/");
  if (slash < 0) return { group: "", version: apiVersion };
  return { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** The name of a type's collection in the store. */
export function collectionOf(type: { group: string; resource: string }): string {
  return `${type.group}/${type.resource}`;
}
