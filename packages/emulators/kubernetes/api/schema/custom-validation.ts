/**
 * Validation of custom resources against their structural schema, with the texts of the API server.
 * See https://github.com/kubernetes/kube-openapi/tree/master/pkg/validation.
 */

import { equal, isObject, type JsonObject, numberAt, objectAt, stringAt, stringsAt } from "../json.ts";
import { duplicate, type FieldProblem, invalidValue, notSupported, required } from "../statuses.ts";

/** What is wrong with the object; empty when nothing is. */
export function validateCustom(value: unknown, openApi: JsonObject | undefined): FieldProblem[] {
  if (openApi === undefined) return [];
  const { metadata: _metadata, ...own } = objectAt(openApi, "properties") ?? {};
  return check(value, { ...openApi, properties: own }, "");
}

function check(value: unknown, openApi: JsonObject, path: string): FieldProblem[] {
  if (value === null && openApi.nullable === true) return [];
  const typeProblem = checkType(value, openApi, path);
  if (typeProblem !== undefined) return [typeProblem];
  const problems = [...checkEnum(value, openApi, path), ...checkCombinations(value, openApi, path)];
  if (typeof value === "string") problems.push(...checkString(value, openApi, path));
  if (typeof value === "number") problems.push(...checkNumber(value, openApi, path));
  if (Array.isArray(value)) problems.push(...checkList(value, openApi, path));
  if (isObject(value)) problems.push(...checkObject(value, openApi, path));
  return problems;
}

function checkType(value: unknown, openApi: JsonObject, path: string): FieldProblem | undefined {
  const wanted = stringAt(openApi, "type");
  if (openApi["x-kubernetes-int-or-string"] === true) {
    if (typeof value === "string" || Number.isInteger(value)) return undefined;
    return typeProblem(value, "integer,string", path);
  }
  if (wanted === undefined) return undefined;
  const found = typeOf(value);
  const fits = found === wanted || (wanted === "number" && found === "integer");
  return fits ? undefined : typeProblem(value, wanted, path);
}

function typeProblem(value: unknown, wanted: string, path: string): FieldProblem {
  const shown = value === null ? '"null"' : JSON.stringify(typeof value === "string" ? value : typeOf(value));
  const text = `Invalid value: ${shown}: ${path} in body must be of type ${wanted}: ${shown}`;
  return { field: path, reason: "FieldValueTypeInvalid", text };
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function checkEnum(value: unknown, openApi: JsonObject, path: string): FieldProblem[] {
  const allowed = openApi.enum;
  if (!Array.isArray(allowed) || allowed.some((entry) => equal(entry, value))) return [];
  return [notSupported(path, value, allowed.map(String))];
}

/** `allOf`, `anyOf`, `oneOf` and `not` add constraints on values, as structural schemas permit. */
function checkCombinations(value: unknown, openApi: JsonObject, path: string): FieldProblem[] {
  const branches = (name: string) => {
    const found = openApi[name];
    return Array.isArray(found) ? found.filter(isObject) : [];
  };
  const problems = branches("allOf").flatMap((branch) => check(value, branch, path));
  const fitting = (name: string) => branches(name).filter((branch) => check(value, branch, path).length === 0).length;
  const bad = (detail: string) => problems.push(invalidValue(path, value, `"${path}" ${detail}`));
  if (branches("anyOf").length > 0 && fitting("anyOf") === 0) bad("must validate at least one schema (anyOf)");
  if (branches("oneOf").length > 0 && fitting("oneOf") !== 1) bad("must validate one and only one schema (oneOf)");
  const not = objectAt(openApi, "not");
  if (not !== undefined && check(value, not, path).length === 0) bad("must not validate the schema (not)");
  return problems;
}

function checkString(value: string, openApi: JsonObject, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const bad = (shown: unknown, detail: string) => problems.push(invalidValue(path, shown, `${path} in body ${detail}`));
  const characters = [...value].length;
  const min = numberAt(openApi, "minLength");
  if (min !== undefined && characters < min) bad(value, `should be at least ${min} chars long`);
  const max = numberAt(openApi, "maxLength");
  if (max !== undefined && characters > max) bad(value, `should be at most ${max} chars long`);
  const pattern = stringAt(openApi, "pattern");
  if (pattern !== undefined && !new RegExp(pattern, "u").test(value)) bad(value, `should match '${pattern}'`);
  const format = stringAt(openApi, "format");
  if (format === "date-time" && Number.isNaN(Date.parse(value))) {
    bad(value, `must be of type date-time: ${JSON.stringify(value)}`);
  }
  return problems;
}

function checkNumber(value: number, openApi: JsonObject, path: string): FieldProblem[] {
  const min = numberAt(openApi, "minimum");
  const max = numberAt(openApi, "maximum");
  const bad = (detail: string) => [invalidValue(path, value, `${path} in body should be ${detail}`)];
  if (min !== undefined && openApi.exclusiveMinimum === true && value <= min) return bad(`greater than ${min}`);
  if (min !== undefined && value < min) return bad(`greater than or equal to ${min}`);
  if (max !== undefined && openApi.exclusiveMaximum === true && value >= max) return bad(`less than ${max}`);
  if (max !== undefined && value > max) return bad(`less than or equal to ${max}`);
  const step = numberAt(openApi, "multipleOf");
  return step !== undefined && value % step !== 0 ? bad(`a multiple of ${step}`) : [];
}

function checkList(value: unknown[], openApi: JsonObject, path: string): FieldProblem[] {
  const min = numberAt(openApi, "minItems");
  const max = numberAt(openApi, "maxItems");
  const bad = (detail: string) => [invalidValue(path, value.length, `${path} in body should have at ${detail} items`)];
  if (min !== undefined && value.length < min) return bad(`least ${min}`);
  if (max !== undefined && value.length > max) return [tooMany(path, value.length, max)];
  const entries = objectAt(openApi, "items");
  const inside =
    entries === undefined ? [] : value.flatMap((entry, index) => check(entry, entries, `${path}[${index}]`));
  return [...inside, ...checkUnique(value, openApi, path)];
}

function tooMany(path: string, count: number, max: number): FieldProblem {
  const text = `Too many: ${count}: must have at most ${max} items`;
  return { field: path, reason: "FieldValueTooMany", text };
}

function checkUnique(value: unknown[], openApi: JsonObject, path: string): FieldProblem[] {
  const type = stringAt(openApi, "x-kubernetes-list-type");
  const keys = stringsAt(openApi, "x-kubernetes-list-map-keys");
  if (type !== "set" && type !== "map") return [];
  const identity = (entry: unknown) =>
    type === "map" && isObject(entry) ? Object.fromEntries(keys.map((key) => [key, entry[key]])) : entry;
  return value.flatMap((entry, index) =>
    value.slice(0, index).some((earlier) => equal(identity(earlier), identity(entry)))
      ? [duplicate(`${path}[${index}]`, identity(entry))]
      : [],
  );
}

function checkObject(value: JsonObject, openApi: JsonObject, path: string): FieldProblem[] {
  const under = (name: string) => (path === "" ? name : `${path}.${name}`);
  const problems = stringsAt(openApi, "required")
    .filter((name) => value[name] === undefined)
    .map((name) => required(under(name)));
  const count = Object.keys(value).length;
  const min = numberAt(openApi, "minProperties");
  const max = numberAt(openApi, "maxProperties");
  const size = (detail: string) => invalidValue(path, count, `${path} in body should have at ${detail} properties`);
  if (min !== undefined && count < min) problems.push(size(`least ${min}`));
  if (max !== undefined && count > max) problems.push(size(`most ${max}`));
  for (const [name, entry] of Object.entries(value)) {
    const schema = objectAt(openApi, "properties", name) ?? objectAt(openApi, "additionalProperties");
    if (schema !== undefined && entry !== undefined) problems.push(...check(entry, schema, under(name)));
  }
  return problems;
}
