import type { BranchLook, NodeEvent, Outcome, PodEvent } from "@trunkline/core";
import { describe, expectTypeOf, test } from "vitest";
import type { z } from "zod";
import type { branchLook } from "./branch-looks.ts";
import type { nodeEvent } from "./node-events.ts";
import type { outcome } from "./outcomes.ts";
import type { podEvent } from "./pod-events.ts";

/** A type without `readonly`, all the way down: the schemas build plain objects, the core promises not to write to them. */
type Writable<Type> = Type extends string | number | boolean | undefined
  ? Type
  : Type extends readonly (infer Element)[]
    ? Writable<Element>[]
    : { -readonly [Key in keyof Type]: Writable<Type[Key]> };

describe("types of the schemas", () => {
  test("what is parsed is exactly what the core defines, checked by the compiler", () => {
    expectTypeOf<Writable<z.output<typeof podEvent>>>().toEqualTypeOf<Writable<PodEvent>>();
    expectTypeOf<Writable<z.output<typeof nodeEvent>>>().toEqualTypeOf<Writable<NodeEvent>>();
    expectTypeOf<Writable<z.output<typeof branchLook>>>().toEqualTypeOf<Writable<BranchLook>>();
    expectTypeOf<Writable<z.output<typeof outcome>>>().toEqualTypeOf<Writable<Outcome>>();
  });
});
