/** In which form a client wants its answer. */

import type { IncludeObject } from "../tables/table.ts";

/** The forms that are spoken, in the order in which a client prefers them. */
export type Form = "json" | "table" | "partial";

/** The first form of an `Accept` header that is spoken; `undefined` when there is none. */
export function acceptedForm(accept: string | undefined): Form | undefined {
  for (const entry of (accept ?? "*/*").split(",")) {
    const [media = "", ...parameters] = entry.split(";").map((part) => part.trim());
    if (!["application/json", "*/*", "application/*"].includes(media)) continue;
    const wanted = new Map(parameters.map((parameter) => parameter.split("=") as [string, string]));
    const as = wanted.get("as");
    if (as === undefined) return "json";
    if (wanted.get("v") !== "v1") continue;
    if (as === "Table") return "table";
    if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") return "partial";
  }
  return undefined;
}

/** What the rows of a table carry, from the query. */
export function includedObject(query: URLSearchParams): IncludeObject {
  const wanted = query.get("includeObject");
  return wanted === "None" || wanted === "Object" ? wanted : "Metadata";
}
