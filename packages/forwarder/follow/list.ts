import { type ApiAnswer, isSuccess, type KubernetesApi, refusalOf, withQuery } from "../ports/api.ts";

/** Objects a page; what client-go asks for too. */
const pageSize = 500;
const pagesMax = 2_000;

/** A consistent list of a whole collection, or the answer that refused it. */
export type Listing<Kept> =
  | { readonly ok: true; readonly objects: readonly Kept[]; readonly version: string }
  | { readonly ok: false; readonly status: number; readonly problem: string };

interface RawList {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly unknown[] | null;
}

/**
 * Lists a collection page by page. Without a resourceVersion in the request the API server answers with its newest state,
 * and all pages show that same state.
 *
 * @param query such as a `fieldSelector`.
 * @param project keeps what is used of each object, so that a page's memory is free before the next arrives.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
 */
export const listAll = async <Kept>(
  api: KubernetesApi,
  path: string,
  query: Readonly<Record<string, string>>,
  project: (raw: unknown) => Kept,
): Promise<Listing<Kept>> => {
  const objects: Kept[] = [];
  let next: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    const answer: ApiAnswer = await api.request({
      method: "GET",
      path: withQuery(path, { ...query, limit: pageSize, continue: next }),
    });
    if (!isSuccess(answer)) return { ok: false, status: answer.status, problem: refusalOf(answer) };
    const list = answer.body as RawList;
    for (const raw of list.items ?? []) objects.push(project(raw));
    next = list.metadata?.continue || undefined;
    const version = list.metadata?.resourceVersion;
    if (version === undefined) return { ok: false, status: 0, problem: "a list without a resourceVersion" };
    if (next === undefined) return { ok: true, objects, version };
  }
  return { ok: false, status: 0, problem: `a list of more than ${pageSize * pagesMax} objects` };
};
