import type { Collection, Identified, Row } from "./collection.ts";
import { Ec2Error, invalidCombination, invalidValue } from "./errors.ts";
import { type IdName, notFound, wellFormed } from "./ids.ts";

/** The paging parameters that all describes share. */
export interface PageRequest {
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

const PAGE_MIN = 5;

/** One page of `rows` in order of creation. `pageMax` is EC2's upper limit for `MaxResults` of the action. */
export function page<T>(
  rows: readonly Row<T>[],
  request: PageRequest,
  pageMax = 1_000,
): { readonly records: T[]; readonly nextToken: string | undefined } {
  const after = request.NextToken === undefined ? 0 : parseToken(request.NextToken);
  const size = request.MaxResults ?? Number.POSITIVE_INFINITY;
  if (size < PAGE_MIN) {
    throw invalidValue(
      `Value ( ${size} ) for parameter maxResults is invalid. Expecting a value greater than ${PAGE_MIN}.`,
    );
  }
  if (request.MaxResults !== undefined && size > pageMax) {
    throw invalidValue(
      `Value ( ${size} ) for parameter maxResults is invalid. Expecting a value less than or equal to ${pageMax}.`,
    );
  }
  const rest = rows.filter((row) => row.sequence > after);
  const shown = rest.slice(0, size);
  const last = shown.at(-1);
  return {
    records: shown.map((row) => row.record),
    nextToken: last && shown.length < rest.length ? formatToken(last.sequence) : undefined,
  };
}

/** The rows that a describe starts from: all that it may list, or those named, each of which must be listed. */
export function rowsOf<T extends Identified>(
  collection: Collection<T>,
  kind: IdName,
  ids: readonly string[] | undefined,
): Row<T>[] {
  if (!ids?.length) return collection.listed();
  const named = new Map<string, Row<T>>();
  for (const id of ids) {
    const row = collection.shown(wellFormed(kind, id));
    if (!row) throw notFound(kind, id);
    named.set(id, row);
  }
  return [...named.values()];
}

/** EC2 refuses a page size beside IDs for some describes. */
export function refuseIdsWithPages(ids: readonly string[] | undefined, parameter: string, request: PageRequest): void {
  if (ids?.length && request.MaxResults !== undefined) {
    throw invalidCombination(`The parameter ${parameter} cannot be used with the parameter maxResults`);
  }
}

const TOKEN_PREFIX = "page-";

function formatToken(sequence: number): string {
  return `${TOKEN_PREFIX}${sequence.toString(36)}`;
}

function parseToken(token: string): number {
  const digits = token.startsWith(TOKEN_PREFIX) ? token.slice(TOKEN_PREFIX.length) : "";
  if (!/^[0-9a-z]{1,10}$/.test(digits)) {
    throw new Ec2Error("InvalidNextToken", "The specified NextToken is not valid.");
  }
  return Number.parseInt(digits, 36);
}
