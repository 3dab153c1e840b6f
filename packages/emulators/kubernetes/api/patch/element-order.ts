/**
 * The order of a merged list: entries that the patch names come in the patch's order, the others keep their place
 * relative to their neighbours.
 */

import { equal } from "../json.ts";

/** What the order follows from. */
export interface OrderSource {
  /** The list before the patch. */
  target: readonly unknown[];
  /** The order that the patch wants. Entries may be whole, or carry only the merge key. */
  order: readonly unknown[];
  identity: (entry: unknown) => unknown;
}

/** The merged entries in their final order. */
export function placeInOrder(merged: readonly unknown[], source: OrderSource): unknown[] {
  const position = (list: readonly unknown[], entry: unknown) =>
    list.findIndex((other) => equal(source.identity(other), source.identity(entry)));
  const wanted = (entry: unknown) => position(source.order, entry);
  const before = (entry: unknown) => position(source.target, entry);
  const named = merged.filter((entry) => wanted(entry) >= 0).toSorted((a, b) => wanted(a) - wanted(b));
  const others = merged.filter((entry) => wanted(entry) < 0).toSorted((a, b) => before(a) - before(b));
  const placed: unknown[] = [];
  while (named.length > 0 && others.length > 0) {
    const [left, right] = [before(others[0]), before(named[0])];
    const othersFirst = left >= 0 && right >= 0 && left < right;
    placed.push(othersFirst ? others.shift() : named.shift());
  }
  return [...placed, ...others, ...named];
}
