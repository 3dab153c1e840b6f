/** Which types are served at this moment: the built-in ones, and the custom ones that come and go. */

import type { CollectionRef } from "../ports.ts";
import { builtinTypes } from "./builtin-types.ts";
import { parseApiVersion, type ResourceType } from "./resource-type.ts";

/** The served types, found by path, by kind and by group. */
export class TypeRegistry {
  readonly #types: ResourceType[];

  constructor(types: readonly ResourceType[] = builtinTypes()) {
    this.#types = [...types];
  }

  all(): readonly ResourceType[] {
    return this.#types;
  }

  /** The type at `/apis/<group>/<version>/<resource>`. */
  atPath(group: string, version: string, resource: string): ResourceType | undefined {
    return this.#types.find((type) => type.group === group && type.version === version && type.resource === resource);
  }

  /** The type that a reference of a program means; without a version the first that is served. */
  byRef(ref: CollectionRef): ResourceType | undefined {
    return this.#types.find(
      (type) =>
        type.group === ref.group &&
        type.resource === ref.resource &&
        (ref.version === undefined || type.version === ref.version),
    );
  }

  /** The type of objects with this `apiVersion` and `kind`. */
  byKind(apiVersion: string, kind: string): ResourceType | undefined {
    const { group, version } = parseApiVersion(apiVersion);
    return this.#types.find((type) => type.group === group && type.version === version && type.kind === kind);
  }

  /** The type whose objects the store keeps in this collection; views come after it. */
  byCollection(collection: string): ResourceType | undefined {
    return this.#types.find((type) => type.collection === collection && type.view === undefined);
  }

  /** The groups and their versions, in the order of registration, the core group first. */
  groups(): { group: string; versions: string[] }[] {
    const groups = new Map<string, Set<string>>();
    for (const type of this.#types) {
      const versions = groups.get(type.group) ?? new Set();
      groups.set(type.group, versions.add(type.version));
    }
    return [...groups].map(([group, versions]) => ({ group, versions: [...versions] }));
  }

  /** Serves the types of a definition in place of those that it had before. */
  setCustom(definition: string, types: readonly ResourceType[]): void {
    this.removeCustom(definition);
    this.#types.push(...types);
  }

  removeCustom(definition: string): void {
    const kept = this.#types.filter((type) => type.custom?.definition !== definition);
    this.#types.splice(0, this.#types.length, ...kept);
  }
}
