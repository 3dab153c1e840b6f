/** Identifiers and times that the API server gives to objects. */

import type { KubernetesObject, Random } from "../../ports.ts";
import { timestamp } from "../time.ts";
import type { ApiState } from "./context.ts";

/** The letters of generated names: none that could spell a word. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_CHARACTERS = 5;
/** So that a generated name still fits a label. */
const GENERATED_PREFIX_MAX = 58;

/** A version 4 UUID from the given randomness. */
export function newUid(random: Random): string {
  const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16));
  digits[12] = 4;
  digits[16] = 8 + Math.floor(random() * 4);
  const hex = digits.map((digit) => digit.toString(16)).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Five characters, as they end the names of pods. */
export function randomSuffix(random: Random): string {
  return Array.from({ length: SUFFIX_CHARACTERS }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join("");
}

/** A name that begins as `generateName` says. */
export function generatedName(generateName: string, random: Random): string {
  return `${generateName.slice(0, GENERATED_PREFIX_MAX)}${randomSuffix(random)}`;
}

/** Gives a new object what the server owns, in place. */
export function fillSystemMetadata(state: ApiState, object: KubernetesObject, generation: boolean): void {
  object.metadata.uid = newUid(state.random);
  object.metadata.creationTimestamp = timestamp(state.clock.now());
  if (generation) object.metadata.generation = 1;
}
