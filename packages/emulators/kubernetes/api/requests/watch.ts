/** Watches: from a change of a collection to what one watcher hears of it. */

import type { KubernetesObject, WatchEvent } from "../../ports.ts";
import type { Change } from "../store/store.ts";
import type { ApiState } from "./context.ts";
import { isSelected, type Selection } from "./read.ts";
import { shownAs } from "./views.ts";

/** What the watcher of a selection hears of a change: an object that leaves the selection is gone for it. */
export function eventFor(selection: Selection, change: Change): WatchEvent | undefined {
  const before = change.previous !== undefined && isSelected(selection, change.previous);
  const now = change.type !== "DELETED" && isSelected(selection, change.object);
  if (now) return { type: before ? "MODIFIED" : "ADDED", object: shownAs(selection.type, change.object) };
  if (!before) return undefined;
  const last = change.type === "DELETED" ? change.object : lastSeen(change);
  return { type: "DELETED", object: shownAs(selection.type, last) };
}

/** The object as it was when it was last selected, under the version of the change that took it away. */
function lastSeen(change: Change): KubernetesObject {
  const before = change.previous ?? change.object;
  return { ...before, metadata: { ...before.metadata, resourceVersion: String(change.revision) } };
}

/** Tells everything that exists and then every change, until the returned function is called. */
export function watchSelection(
  state: ApiState,
  selection: Selection,
  listener: (event: WatchEvent) => void,
): () => void {
  const stop = state.store.watch(selection.type.collection, (change) => {
    const event = eventFor(selection, change);
    if (event !== undefined) listener(event);
  });
  for (const object of state.store.list(selection.type.collection)) {
    if (isSelected(selection, object)) listener({ type: "ADDED", object: shownAs(selection.type, object) });
  }
  return stop;
}
