import { type ApiAnswer, isSuccess, type KubernetesApi, refusalOf, withQuery } from "../ports/api.ts";

/** Objects a page: half of what client-go asks for, because a page is held whole, as text and as objects. */
const pageSize = 250;
const pagesMax = 4_000;
/** How often a list begins anew because the state that its pages show was forgotten meanwhile. */
const restartsMax = 2;
const goneStatus = 410;

/** A consistent list of a whole collection, or the answer that refused it. */
export type Listing<Kept> =
  | { readonly ok: true; readonly objects: readonly Kept[]; readonly version: string }
  | {
      readonly ok: false;
      /** 0 when the answer was a success that cannot be understood. */
      readonly status: number;
      readonly problem: string;
      readonly retryAfterSeconds?: number;
    };

interface RawList {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly unknown[] | null;
}

/**
 * Lists a collection page by page. Without a resourceVersion in the request the API server answers with its newest state,
 * and all pages show that same state. Pages may hold fewer objects than asked for, none, or all; only the token tells
 * whether another follows. A list whose token has expired begins anew: the token that such a refusal offers would mix
 * two states, and is never used.
 *
 * @param query such as a `fieldSelector`.
 * @param project keeps what is used of each object, so that a page's memory is free before the next arrives; what is
 * undefined is left out.
 * @returns Rejects only when there was no answer.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
 */
export const listAll = async <Kept>(
  api: Pick<KubernetesApi, "request">,
  path: string,
  query: Readonly<Record<string, string>>,
  project: (raw: unknown) => Kept | undefined,
): Promise<Listing<Kept>> => {
  for (let restarts = 0; ; restarts += 1) {
    const { listing, hasBegun } = await listOnce(api, path, query, project);
    if (listing.ok || listing.status !== goneStatus || !hasBegun || restarts >= restartsMax) return listing;
  }
};

/** One attempt, and whether it got as far as a first page. */
const listOnce = async <Kept>(
  api: Pick<KubernetesApi, "request">,
  path: string,
  query: Readonly<Record<string, string>>,
  project: (raw: unknown) => Kept | undefined,
): Promise<{ listing: Listing<Kept>; hasBegun: boolean }> => {
  const objects: Kept[] = [];
  let version: string | undefined;
  let next: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    const answer = await api.request({
      method: "GET",
      path: withQuery(path, { ...query, limit: pageSize, continue: next }),
    });
    if (!isSuccess(answer)) return { listing: refusedBy(answer), hasBegun: version !== undefined };
    const { metadata, items } = (answer.body ?? {}) as RawList;
    // Changes after the first page's version are told again by a watch from there, whatever later pages say.
    version ??= metadata?.resourceVersion;
    // "0" would let the watch begin anywhere, so that what was deleted meanwhile would never be told.
    if (!version || version === "0") return { listing: unlike("a list without a resourceVersion"), hasBegun: false };
    for (const raw of items ?? []) {
      const kept = project(raw);
      if (kept !== undefined) objects.push(kept);
    }
    next = metadata?.continue || undefined;
    if (next === undefined) return { listing: { ok: true, objects, version }, hasBegun: true };
  }
  return { listing: unlike(`a list of more than ${pagesMax} pages`), hasBegun: true };
};

const refusedBy = (answer: ApiAnswer): Listing<never> => ({
  ok: false,
  status: answer.status,
  problem: refusalOf(answer),
  ...(answer.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: answer.retryAfterSeconds }),
});

const unlike = (problem: string): Listing<never> => ({ ok: false, status: 0, problem });
