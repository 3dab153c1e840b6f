import { expect, test } from "vitest";
import type { ApiAnswer } from "../ports/api.ts";
import { listAll } from "./list.ts";

/** Lists from a server that gives these answers, the last one over and over; the tokens that it was asked by come along. */
const listFrom = async (...answers: readonly ApiAnswer[]) => {
  const tokens: (string | null)[] = [];
  const api = {
    request: async ({ path }: { path: string }): Promise<ApiAnswer> => {
      tokens.push(new URL(path, "http://fake").searchParams.get("continue"));
      return answers[Math.min(tokens.length, answers.length) - 1] as ApiAnswer;
    },
  };
  const listing = await listAll(api, "/api/v1/pods", {}, (raw) => raw as string);
  return { listing, tokens };
};

const page = (items: readonly string[] | null, next?: string, resourceVersion = "7"): ApiAnswer => ({
  status: 200,
  body: { metadata: { resourceVersion, ...(next === undefined ? {} : { continue: next }) }, items },
});
const expired: ApiAnswer = { status: 410, body: { message: "too old", metadata: { continue: "another-state" } } };

test("the token tells whether a page follows, not the number of objects: it may be none, or all", async () => {
  const many = Array.from({ length: 900 }, (_, index) => `pod-${index}`);
  const { listing, tokens } = await listFrom(page(null, "1"), page([], "2"), page(many));

  expect(listing).toEqual({ ok: true, objects: many, version: "7" });
  expect(tokens).toEqual([null, "1", "2"]);
});

test("the version is that of the first page, from which a watch tells what changed since", async () => {
  const { listing } = await listFrom(page(["a"], "1", "7"), page(["b"], undefined, "9"));

  expect(listing).toMatchObject({ version: "7" });
});

test("a list that expires between pages begins anew, and never goes on by the token for another state", async () => {
  const { listing, tokens } = await listFrom(page(["a"], "1"), expired, page(["b"], "2"), page(["c"]));

  expect(listing).toMatchObject({ ok: true, objects: ["b", "c"] });
  expect(tokens).toEqual([null, "1", null, "2"]);
});

test("a list that expires again and again is given up after the third time", async () => {
  const { listing, tokens } = await listFrom(
    page(["a"], "1"),
    expired,
    page(["a"], "1"),
    expired,
    page(["a"], "1"),
    expired,
  );

  expect(listing).toEqual({ ok: false, status: 410, problem: "too old" });
  expect(tokens).toHaveLength(6);
});

test("a list whose first page has expired is not asked for at once again", async () => {
  expect((await listFrom(expired)).tokens).toEqual([null]);
});

test.each(["", "0"])("a list whose version is %j is none to watch from", async (version) => {
  const { listing } = await listFrom(page(["a"], undefined, version));

  expect(listing).toEqual({ ok: false, status: 0, problem: "a list without a resourceVersion" });
});

test("a success without a list is a failure", async () => {
  expect((await listFrom({ status: 200, body: null })).listing.ok).toBe(false);
});

test("a list whose pages never end is given up", async () => {
  const { listing, tokens } = await listFrom(page(["a"], "again"));

  expect(listing).toEqual({ ok: false, status: 0, problem: "a list of more than 4000 pages" });
  expect(tokens).toHaveLength(4_000);
});

test("a refusal says how long to wait", async () => {
  const { listing } = await listFrom({ status: 429, body: { message: "busy" }, retryAfterSeconds: 3 });

  expect(listing).toEqual({ ok: false, status: 429, problem: "busy", retryAfterSeconds: 3 });
});
