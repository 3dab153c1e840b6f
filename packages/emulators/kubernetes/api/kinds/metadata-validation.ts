/**
 * Validation of names, labels, annotations and other metadata.
 * See https://github.com/kubernetes/apimachinery/blob/master/pkg/util/validation/validation.go.
 */

import type { KubernetesObject, ObjectMeta } from "../../ports.ts";
import { equal } from "../json.ts";
import type { ResourceType } from "../resource-type.ts";
import { type FieldProblem, forbiddenField, invalidValue, required } from "../statuses.ts";

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const NAME_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const SUBDOMAIN_CHARACTERS_MAX = 253;
const LABEL_CHARACTERS_MAX = 63;
const ANNOTATIONS_BYTES_MAX = 262_144;

const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and " +
  "end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** Why a name is no DNS label. */
export const dnsLabelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with " +
  "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

const dns1035Text =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and " +
  "end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is " +
  "'[a-z]([-a-z0-9]*[a-z0-9])?')";

const labelValueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end " +
  "with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
  "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const namePartText =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric " +
  "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " +
  "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/** Whether the text is an RFC 1123 label. */
export function isDnsLabel(text: string): boolean {
  return text.length <= LABEL_CHARACTERS_MAX && LABEL.test(text);
}

/** What is wrong with the metadata of any object. */
export function validateMetadata(type: ResourceType, object: KubernetesObject): FieldProblem[] {
  const { metadata } = object;
  return [
    ...validateName(type, metadata.name ?? ""),
    ...validateLabels(metadata.labels ?? {}, "metadata.labels"),
    ...validateAnnotations(metadata.annotations ?? {}),
    ...validateOwners(metadata),
    ...(metadata.finalizers ?? []).flatMap((finalizer) => validateFinalizer(type, finalizer)),
  ];
}

function validateName(type: ResourceType, name: string): FieldProblem[] {
  const field = "metadata.name";
  if (name === "") return [required(field, "name or generateName is required")];
  const tooLong = (max: number) => invalidValue(field, name, `must be no more than ${max} characters`);
  if (type.group === "rbac.authorization.k8s.io") {
    return /^(\.|\.\.)$|[/%]/.test(name) ? [invalidValue(field, name, "may not contain '/' or '%'")] : [];
  }
  const short = type.group === "" && (type.resource === "namespaces" || type.resource === "services");
  if (name.length > (short ? LABEL_CHARACTERS_MAX : SUBDOMAIN_CHARACTERS_MAX)) {
    return [tooLong(short ? LABEL_CHARACTERS_MAX : SUBDOMAIN_CHARACTERS_MAX)];
  }
  if (short && type.resource === "services")
    return LABEL_1035.test(name) ? [] : [invalidValue(field, name, dns1035Text)];
  if (short) return LABEL.test(name) ? [] : [invalidValue(field, name, dnsLabelText)];
  return SUBDOMAIN.test(name) ? [] : [invalidValue(field, name, subdomainText)];
}

/** What is wrong with labels that stand at `field`. */
function validateLabels(labels: Readonly<Record<string, string>>, field: string): FieldProblem[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    const problems = validateQualifiedName(key, field);
    if (value.length > LABEL_CHARACTERS_MAX) {
      problems.push(invalidValue(field, value, `must be no more than ${LABEL_CHARACTERS_MAX} characters`));
    } else if (!LABEL_VALUE.test(value)) problems.push(invalidValue(field, value, labelValueText));
    return problems;
  });
}

function validateAnnotations(annotations: Readonly<Record<string, string>>): FieldProblem[] {
  const field = "metadata.annotations";
  const problems = Object.keys(annotations).flatMap((key) => validateQualifiedName(key.toLowerCase(), field));
  const bytes = Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  if (bytes > ANNOTATIONS_BYTES_MAX) {
    const text = `Too long: may not be more than ${ANNOTATIONS_BYTES_MAX} bytes`;
    problems.push({ field, reason: "FieldValueTooMany", text });
  }
  return problems;
}

/** Why a text is no name with an optional domain before it, as the keys of labels are. */
export function validateQualifiedName(key: string, field: string): FieldProblem[] {
  const parts = key.split("/");
  const name = parts.at(-1) ?? "";
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (parts.length > 2) {
    return [invalidValue(field, key, `a qualified name ${namePartText} with an optional DNS subdomain prefix and '/'`)];
  }
  if (prefix !== undefined && !SUBDOMAIN.test(prefix))
    return [invalidValue(field, key, `prefix part ${subdomainText}`)];
  if (name.length > LABEL_CHARACTERS_MAX) {
    return [invalidValue(field, key, `name part must be no more than ${LABEL_CHARACTERS_MAX} characters`)];
  }
  return NAME_PART.test(name) ? [] : [invalidValue(field, key, namePartText)];
}

function validateOwners(metadata: ObjectMeta): FieldProblem[] {
  const owners = metadata.ownerReferences ?? [];
  const problems = owners.flatMap((owner, index) => {
    const field = `metadata.ownerReferences[${index}]`;
    return (["apiVersion", "kind", "name", "uid"] as const)
      .filter((key) => (owner[key] ?? "") === "")
      .map((key) => required(`${field}.${key}`, "must not be empty"));
  });
  const controllers = owners.filter((owner) => owner.controller === true);
  if (controllers.length > 1) {
    const text = "Only one reference can have Controller set to true";
    problems.push(invalidValue("metadata.ownerReferences", controllers.map((owner) => owner.name).join(","), text));
  }
  return problems;
}

const STANDARD_FINALIZERS = ["kubernetes", "orphan", "foregroundDeletion"];

function validateFinalizer(type: ResourceType, finalizer: string): FieldProblem[] {
  if (STANDARD_FINALIZERS.includes(finalizer)) return [];
  const problems = validateQualifiedName(finalizer, "metadata.finalizers");
  // Definitions and custom resources may have finalizers without a domain.
  const extension = type.custom !== undefined || type.group === "apiextensions.k8s.io";
  if (problems.length > 0 || extension || finalizer.includes("/")) return problems;
  return [
    invalidValue(
      "metadata.finalizers",
      finalizer,
      "name is neither a standard finalizer name nor is it fully qualified",
    ),
  ];
}

/**
 * What is wrong with the metadata that somebody wishes an object to have, before what belongs to the server is put back.
 * A UID is no precondition here: it may be left out, but not be changed.
 * See https://github.com/kubernetes/apimachinery/blob/master/pkg/api/validation/objectmeta.go.
 */
export function validateWishedMetadata(wished: KubernetesObject, old: KubernetesObject): FieldProblem[] {
  const { uid } = wished.metadata;
  const same = uid === undefined || uid === "" || uid === old.metadata.uid;
  return same ? [] : [invalidValue("metadata.uid", uid, "field is immutable")];
}

/** What an update must not change in the metadata of any object. */
export function validateMetadataUpdate(next: KubernetesObject, old: KubernetesObject): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (old.metadata.deletionTimestamp !== undefined) {
    const before = old.metadata.finalizers ?? [];
    const added = (next.metadata.finalizers ?? []).filter((finalizer) => !before.includes(finalizer));
    if (added.length > 0) {
      const list = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
      const text = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
      problems.push(forbiddenField("metadata.finalizers", text));
    }
  }
  if (!equal(next.metadata.namespace, old.metadata.namespace)) {
    problems.push(invalidValue("metadata.namespace", next.metadata.namespace ?? "", "field is immutable"));
  }
  return problems;
}
