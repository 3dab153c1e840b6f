import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { deploy } from "./support/kustomization.ts";

interface Guard {
  readonly kind: string;
  readonly spec: Readonly<
    Record<"variables" | "validations" | "matchConditions", { expression: string }[] | undefined>
  >;
}

/**
 * What `has(x) ? x : {}` gives is a map for labels and annotations only. Of everything else in an object the API server's
 * type checker knows the fields, finds no common type with an empty map and warns of it in the policy's status:
 * https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#type-checking.
 */
const emptyMapPattern = /has\(([\w.]+)\)\s*\?\s*\1\s*:\s*\{\}/g;

test("no expression of the guard gives the type checker two types for one value", async () => {
  const text = await readFile(join(deploy, "base/guard.yaml"), "utf8");
  const guards = parseAllDocuments(text).map((document) => document.toJS() as Guard);
  const expressions = guards
    .filter(({ kind }) => kind === "ValidatingAdmissionPolicy")
    .flatMap(({ spec }) => [...(spec.variables ?? []), ...(spec.validations ?? []), ...(spec.matchConditions ?? [])])
    .map(({ expression }) => expression);
  const maps = expressions.flatMap((expression) => [...expression.matchAll(emptyMapPattern)].map(([, field]) => field));

  expect(maps.length).toBeGreaterThan(0);
  expect(maps.filter((field) => !/\.metadata\.(labels|annotations)$/.test(field ?? ""))).toEqual([]);
});
