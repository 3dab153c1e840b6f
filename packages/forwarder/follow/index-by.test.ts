import { expect, test } from "vitest";
import { createIndex } from "./index-by.ts";
import type { Kept } from "./reflector.ts";

interface Placed extends Kept {
  readonly node: string;
}

const placed = (uid: string, node: string, resourceVersion = "1"): Placed => ({
  uid,
  node,
  resourceVersion,
  namespace: "",
  name: uid,
});
const seen = (object: Placed, previous?: Placed) => ({ type: "seen", object, previous }) as const;
const gone = (object: Placed) => ({ type: "gone", object, how: "deleted", version: "9" }) as const;
const index = () => createIndex<Placed>((object) => object.node);

test("objects are found by their key, in the order in which they came", () => {
  const byNode = index();
  const [a, b] = [placed("a", "n1"), placed("b", "n1")];
  byNode.apply(seen(a));
  byNode.apply(seen(b));
  byNode.apply(seen(placed("c", "n2")));

  expect([...byNode.all("n1")]).toEqual([a, b]);
  expect(byNode.first("n1")).toBe(a);
  expect([...byNode.all("n9")]).toEqual([]);
  expect(byNode.first("n9")).toBeUndefined();
});

test("an object moves with its key, is kept once, and goes", () => {
  const byNode = index();
  const [before, same, after] = [placed("a", "n1"), placed("a", "n1", "2"), placed("a", "n2", "3")];
  byNode.apply(seen(before));
  byNode.apply(seen(same, before));
  expect([...byNode.all("n1")]).toEqual([same]);

  byNode.apply(seen(after, same));
  expect([...byNode.all("n1"), ...byNode.all("n2")]).toEqual([after]);

  byNode.apply(gone(after));
  expect([...byNode.all("n2")]).toEqual([]);
});

test("objects without a key are left out", () => {
  const byNode = index();
  byNode.apply(seen(placed("a", "")));
  byNode.apply(gone(placed("a", "")));

  expect([...byNode.all("")]).toEqual([]);
});

test("who looks through a group is not disturbed when it changes meanwhile", () => {
  const byNode = index();
  const all = ["a", "b", "c"].map((uid) => placed(uid, "n1"));
  for (const object of all) byNode.apply(seen(object));

  const met: string[] = [];
  for (const object of byNode.all("n1")) {
    met.push(object.uid);
    byNode.apply(gone(object));
  }

  expect(met).toEqual(["a", "b", "c"]);
});
