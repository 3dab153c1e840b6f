/**
 * The JSONPath of printer columns: fields, indexes, `[*]` and filters that compare one field.
 * See https://kubernetes.io/docs/reference/kubectl/jsonpath/.
 */

import { at, isObject } from "../json.ts";

type Step = { field: string } | { index: number } | { all: true } | { filter: { path: string[]; value: unknown } };

const FIELD = /^\.((?:[^.[\]{}\\]|\\.)+)/;
const BRACKETS = /^\[(?:(-?\d+)|(\*)|'([^']*)'|\?\(@\.([\w.]+)\s*==\s*(.+?)\))\]/;

/** Everything that the path finds; nothing when it is malformed. */
export function findByPath(value: unknown, path: string): unknown[] {
  const steps = stepsOf(path);
  if (steps === undefined) return [];
  let found = [value];
  for (const step of steps) found = found.flatMap((entry) => take(entry, step));
  return found;
}

function stepsOf(path: string): Step[] | undefined {
  const steps: Step[] = [];
  let rest = path
    .trim()
    .replace(/^\{(.*)\}$/, "$1")
    .replace(/^\$/, "");
  if (!rest.startsWith(".") && !rest.startsWith("[")) rest = `.${rest}`;
  while (rest !== "") {
    const field = FIELD.exec(rest);
    const match = field ?? BRACKETS.exec(rest);
    if (match === null) return undefined;
    steps.push(field === null ? bracketStep(match) : { field: (field[1] ?? "").replaceAll(/\\(.)/g, "$1") });
    rest = rest.slice(match[0].length);
  }
  return steps;
}

function bracketStep(match: RegExpExecArray): Step {
  const [, index, star, quoted = "", path, value = ""] = match;
  if (index !== undefined) return { index: Number(index) };
  if (star !== undefined) return { all: true };
  return path === undefined ? { field: quoted } : { filter: { path: path.split("."), value: literal(value) } };
}

function literal(text: string): unknown {
  const quoted = /^(['"])(.*)\1$/.exec(text.trim());
  if (quoted !== null) return quoted[2];
  if (text.trim() === "true" || text.trim() === "false") return text.trim() === "true";
  return Number(text);
}

function take(value: unknown, step: Step): unknown[] {
  if ("field" in step) {
    const found = at(value, step.field);
    return found === undefined || found === null ? [] : [found];
  }
  if ("all" in step) return Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
  if (!Array.isArray(value)) return [];
  if ("index" in step) return value.slice(step.index).slice(0, 1);
  return value.filter((entry) => at(entry, ...step.filter.path) === step.filter.value);
}
