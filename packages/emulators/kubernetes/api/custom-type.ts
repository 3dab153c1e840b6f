/** From a definition's manifest to the types that are served for it. */

import type { KubernetesObject } from "../ports.ts";
import { isObject, type JsonObject, numberAt, objectAt, objectsAt, stringAt, stringsAt } from "./json.ts";
import {
  type CustomType,
  collectionOf,
  type PrinterColumn,
  type ResourceType,
  STORED_VERBS,
  type Subresource,
} from "./resource-type.ts";
import { customSchema } from "./schema/custom-schema.ts";

const AGE: PrinterColumn = {
  name: "Age",
  type: "date",
  description: "CreationTimestamp is a timestamp representing the server time when this object was created.",
  jsonPath: ".metadata.creationTimestamp",
  priority: 0,
};

/** One type for each served version of the definition. */
export function customTypes(definition: KubernetesObject): ResourceType[] {
  return objectsAt(definition, "spec", "versions")
    .filter((version) => version.served === true)
    .map((version) => customType(definition, version));
}

function customType(definition: KubernetesObject, version: JsonObject): ResourceType {
  const group = stringAt(definition, "spec", "group") ?? "";
  const names = objectAt(definition, "spec", "names") ?? {};
  const resource = stringAt(names, "plural") ?? "";
  const kind = stringAt(names, "kind") ?? "";
  const subresources = subresourcesOf(version);
  const openApi = objectAt(version, "schema", "openAPIV3Schema");
  return {
    group,
    version: stringAt(version, "name") ?? "",
    kind,
    resource,
    singular: stringAt(names, "singular") ?? kind.toLowerCase(),
    shortNames: stringsAt(names, "shortNames"),
    categories: stringsAt(names, "categories"),
    namespaced: stringAt(definition, "spec", "scope") === "Namespaced",
    subresources,
    verbs: STORED_VERBS,
    schema: customSchema(kind, openApi),
    rules: {},
    collection: collectionOf({ group, resource }),
    hasGeneration: true,
    unconditionalUpdate: false,
    custom: {
      definition: definition.metadata.name ?? "",
      openApi,
      columns: columnsOf(version),
      scale: scaleOf(version),
      selectableFields: objectsAt(version, "selectableFields").map((field) =>
        (stringAt(field, "jsonPath") ?? "").slice(1),
      ),
    },
  };
}

function subresourcesOf(version: JsonObject): Subresource[] {
  const declared = objectAt(version, "subresources") ?? {};
  return (["status", "scale"] as const).filter((name) => isObject(declared[name]));
}

function columnsOf(version: JsonObject): PrinterColumn[] {
  const declared = objectsAt(version, "additionalPrinterColumns");
  if (declared.length === 0) return [AGE];
  return declared.map((column) => ({
    name: stringAt(column, "name") ?? "",
    type: stringAt(column, "type") ?? "string",
    ...(stringAt(column, "format") === undefined ? {} : { format: stringAt(column, "format") ?? "" }),
    ...(stringAt(column, "description") === undefined ? {} : { description: stringAt(column, "description") ?? "" }),
    jsonPath: stringAt(column, "jsonPath") ?? "",
    priority: numberAt(column, "priority") ?? 0,
  }));
}

function scaleOf(version: JsonObject): CustomType["scale"] {
  const scale = objectAt(version, "subresources", "scale");
  if (scale === undefined) return undefined;
  return {
    specReplicas: stringAt(scale, "specReplicasPath") ?? "",
    statusReplicas: stringAt(scale, "statusReplicasPath") ?? "",
    labelSelector: stringAt(scale, "labelSelectorPath"),
  };
}
