/** Reading: one object, and lists with selectors and pages. */

import type { KubernetesObject, ListRequest } from "../../ports.ts";
import { isObject } from "../json.ts";
import type { ResourceType } from "../resource-type.ts";
import { badRequest, expired, notFound } from "../statuses.ts";
import { type FieldPredicate, parseFieldSelector } from "../store/field-selector.ts";
import { type LabelPredicate, parseLabelSelector } from "../store/label-selector.ts";
import { storeKey } from "../store/store.ts";
import type { ApiState, Target } from "./context.ts";
import { shownAs } from "./views.ts";

/** The object as the request's type shows it; 404 when there is none. */
export function readObject(state: ApiState, target: Target): KubernetesObject {
  const object = state.store.get(target.type.collection, target.namespace, target.name);
  if (object === undefined) throw notFound({ ...target.type, name: target.name });
  return shownAs(target.type, object);
}

/** Which objects of a collection a request means. */
export interface Selection {
  type: ResourceType;
  namespace: string | undefined;
  labels: LabelPredicate;
  fields: FieldPredicate;
  /** A selector leaves objects out, or could. */
  narrowed: boolean;
}

/** The selection of a request; 400 for a selector that is malformed or asks for an unknown field. */
export function selectionOf(type: ResourceType, namespace: string | undefined, request: ListRequest): Selection {
  const fieldType = { ...type, selectableFields: type.custom?.selectableFields ?? [] };
  return {
    type,
    namespace,
    labels: parseLabelSelector(request.labelSelector ?? ""),
    fields: parseFieldSelector(request.fieldSelector ?? "", fieldType),
    narrowed: (request.labelSelector ?? "") !== "" || (request.fieldSelector ?? "") !== "",
  };
}

/** Whether the stored object belongs to the selection. */
export function isSelected(selection: Selection, object: KubernetesObject): boolean {
  if (selection.namespace !== undefined && object.metadata.namespace !== selection.namespace) return false;
  return selection.labels(object.metadata.labels ?? {}) && selection.fields(object);
}

/** One page of a list. */
export interface Page {
  objects: KubernetesObject[];
  resourceVersion: string;
  /** Where the next page begins; absent on the last. */
  continue?: string;
  /**
   * Absent on the last page and with selectors:
   * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/list-meta/.
   */
  remainingItemCount?: number;
}

/** Which page of a list. */
export interface PageRequest {
  /** 0 for all. */
  limit: number;
  continue: string;
}

/** The page, taken from the same state of the store as the pages before it; 410 when that state is forgotten. */
export function listPage(state: ApiState, selection: Selection, page: PageRequest): Page {
  const { type } = selection;
  const token = page.continue === "" ? undefined : readToken(page.continue);
  const from = token?.after;
  const revision = token?.revision ?? state.store.revision;
  const all = state.store.listAt(type.collection, selection.namespace, revision);
  if (all === "expired") {
    const refused = expired(tooOldToContinue);
    refused.status.metadata = { continue: writeToken({ after: from ?? "" }) };
    throw refused;
  }
  const rest = from === undefined ? all : all.filter((object) => keyOf(object) > from);
  const selected = rest.filter((object) => isSelected(selection, object));
  const objects = page.limit > 0 ? selected.slice(0, page.limit) : selected;
  const shown = objects.map((object) => shownAs(type, object));
  const last = objects.at(-1);
  if (last === undefined || objects.length === selected.length) {
    return { objects: shown, resourceVersion: String(revision) };
  }
  return {
    objects: shown,
    resourceVersion: String(revision),
    continue: writeToken({ revision, after: keyOf(last) }),
    ...(selection.narrowed ? {} : { remainingItemCount: selected.length - objects.length }),
  };
}

const tooOldToContinue =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without " +
  "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. " +
  "Continuing with the provided token results in an inconsistent list.";

function keyOf(object: KubernetesObject): string {
  return storeKey(object.metadata.namespace, object.metadata.name ?? "");
}

/** Where a list goes on; without a revision in the newest state, which does not fit the pages before. */
interface ContinueToken {
  revision?: number;
  after: string;
}

/** What stands in a token for "the newest state". */
const NEWEST = -1;

function writeToken({ revision = NEWEST, after }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, start: after })).toString("base64url");
}

function readToken(text: string): ContinueToken {
  try {
    const token: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    if (isObject(token) && typeof token.rv === "number" && typeof token.start === "string") {
      return token.rv === NEWEST ? { after: token.start } : { revision: token.rv, after: token.start };
    }
  } catch {
    // Whatever is wrong with the token, the client hears the same.
  }
  throw badRequest("continue key is not valid");
}

/** The message of a version that the history of the collection no longer holds. */
export function tooOld(revision: number, oldest: number): string {
  return `too old resource version: ${revision} (${oldest})`;
}
