/** Gives every namespace its service account `default`. */

import type { ApiAccess } from "../../ports.ts";
import { isStatusError } from "../../ports.ts";
import type { ApiState } from "../requests/context.ts";

/** Starts the loop; the returned function stops it. */
export function startServiceAccounts(state: ApiState, api: ApiAccess): () => void {
  const ensure = (namespace: string) => {
    const found = state.store.get("/namespaces", undefined, namespace);
    if (found === undefined || found.metadata.deletionTimestamp !== undefined) return;
    if (state.store.get("/serviceaccounts", namespace, "default") !== undefined) return;
    api
      .create({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace } })
      .catch((error: unknown) => {
        // Somebody else made it, or the namespace is gone again: both are fine.
        if (!isStatusError(error)) throw error;
      });
  };
  const stops = [
    api.watch({ group: "", resource: "namespaces" }, ({ object }) => ensure(object.metadata.name ?? "")),
    api.watch({ group: "", resource: "serviceaccounts" }, ({ type, object }) => {
      if (type === "DELETED") ensure(object.metadata.namespace ?? "");
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
