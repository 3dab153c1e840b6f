import type { Binding } from "./recording.ts";
import type { Json } from "./views.ts";
import { type VolatileText, volatileIn } from "./volatile.ts";

/** A volatile text of an answer, and where it stands. */
export interface Found extends Pick<Binding, "path" | "index"> {
  readonly kind: VolatileText["kind"];
  readonly text: string;
}

/** Everything in an answer that differs from run to run, with the way to it. */
export function findVolatile(answer: Json, path: readonly (string | number)[] = []): Found[] {
  if (typeof answer === "string") return volatileIn(answer).map((found, index) => ({ ...found, path, index }));
  if (typeof answer !== "object" || answer === null) return [];
  const entries: [string | number, Json][] = Array.isArray(answer)
    ? answer.map((each, at) => [at, each])
    : Object.entries(answer);
  return entries.flatMap(([key, value]) => findVolatile(value, [...path, key]));
}

/**
 * What the names of an answer stand for in this run.
 *
 * @throws Error when the answer has nothing in that place.
 */
export function bind(answer: Json, bindings: readonly Binding[]): Record<string, string> {
  return Object.fromEntries(
    bindings.map(({ name, path, index }) => {
      const place = path.reduce<Json | undefined>(
        (value, key) => (value as Record<string, Json> | null)?.[key],
        answer,
      );
      const text = typeof place === "string" ? volatileIn(place)[index]?.text : undefined;
      if (text === undefined) throw new Error(`The answer has no ${name} at ${path.join("/")}`);
      return [name, text];
    }),
  );
}

/**
 * A request's text with this run's values in place of `{{name}}`.
 *
 * @throws Error when a name stands for nothing yet.
 */
export function fill(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\{\{([^}]+)\}\}/g, (_, name: string) => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`Nothing said what {{${name}}} is`);
    return value;
  });
}
