/**
 * What the API server must know of a type's fields: which exist, of what type they are, and how lists and maps merge.
 * Built-in types take it from the official client, custom ones from their manifest.
 */

/** The shape of a value. */
export type Schema = ObjectSchema | MapSchema | ListSchema | ScalarSchema | AnySchema;

/** An object with known fields. */
export interface ObjectSchema {
  readonly kind: "object";
  /** The name in messages of the decoder, such as `PodSpec`. */
  readonly name: string;
  /** The schema of a field, or `undefined` when the type has no such field. */
  field(name: string): Schema | undefined;
  fieldNames(): readonly string[];
  /** One owner for the whole value under server-side apply. */
  readonly atomic: boolean;
  /** Unknown fields stay. */
  readonly preserveUnknown: boolean;
}

/** An object whose keys are data. */
export interface MapSchema {
  readonly kind: "map";
  readonly values: Schema;
  readonly atomic: boolean;
}

/** An array; `merge` says how a patch finds the entry that it means. */
export interface ListSchema {
  readonly kind: "list";
  readonly entries: Schema;
  readonly merge: ListMerge;
}

/** By key fields (the first is also the strategic merge key), as a set of values, or as a whole. */
export type ListMerge = { readonly by: "keys"; readonly keys: readonly string[] } | { readonly by: "value" | "whole" };

/** A value without parts. */
export interface ScalarSchema {
  readonly kind: "string" | "integer" | "number" | "boolean" | "quantity" | "int-or-string";
  /** The Go type in messages of the decoder. */
  readonly goType: string;
}

/** A value that nobody looks into. */
export interface AnySchema {
  readonly kind: "any";
}

/** The schema of anything. */
export const ANY: AnySchema = { kind: "any" };

/** The Go type of times with microseconds. */
export const MICRO_TIME = "v1.MicroTime";

/** A string. */
export const STRING: ScalarSchema = { kind: "string", goType: "string" };

/** Lists that are replaced as a whole. */
export const WHOLE: ListMerge = { by: "whole" };
