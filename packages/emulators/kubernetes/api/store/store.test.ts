import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { KubernetesObject } from "../../ports.ts";
import { Store } from "./store.ts";

function object(name: string, value = 0): KubernetesObject {
  return { apiVersion: "v1", kind: "Thing", metadata: { name, namespace: "default" }, value };
}

describe("the store", () => {
  test("gives every change a new revision, across collections", () => {
    const store = new Store({ historyMax: 10 });
    const first = store.put("a", object("x"));
    const second = store.put("b", object("y"));
    expect(Number(second.metadata.resourceVersion)).toBe(Number(first.metadata.resourceVersion) + 1);
    expect(store.revision).toBe(Number(second.metadata.resourceVersion));
  });

  test("tells all watchers changes in the same order, also when one of them causes the next", () => {
    const store = new Store({ historyMax: 10 });
    const heard: string[][] = [[], []];
    store.watch("a", ({ object: changed }) => {
      heard[0]?.push(changed.metadata.name ?? "");
      if (changed.metadata.name === "x") store.put("a", object("y"));
    });
    store.watch("a", ({ object: changed }) => heard[1]?.push(changed.metadata.name ?? ""));
    store.put("a", object("x"));
    expect(heard).toEqual([
      ["x", "y"],
      ["x", "y"],
    ]);
  });

  test("tells nothing more to a watcher that stopped while changes were being told", () => {
    const store = new Store({ historyMax: 10 });
    const heard: string[] = [];
    let stop = () => {};
    store.watch("a", ({ object: changed }) => {
      if (changed.metadata.name === "x") store.put("a", object("y"));
      else stop();
    });
    stop = store.watch("a", ({ object: changed }) => heard.push(changed.metadata.name ?? ""));
    store.put("a", object("x"));
    expect(heard).toEqual(["x"]);
  });

  test("answers expired for a revision that the history no longer reaches", () => {
    const store = new Store({ historyMax: 4 });
    const start = store.revision;
    for (let value = 0; value < 20; value += 1) store.put("a", object("x", value));
    expect(store.since("a", start)).toBe("expired");
    expect(store.listAt("a", undefined, start)).toBe("expired");
    expect(store.since("a", store.revision - 2)).toHaveLength(2);
  });

  test("lists any remembered revision exactly as it was", () => {
    const change = fc.record({ name: fc.constantFrom("a", "b", "c", "d"), value: fc.nat(9), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const store = new Store({ historyMax: 100 });
        const seen = [{ revision: store.revision, objects: store.list("a") }];
        for (const { name, value, remove } of changes) {
          const present = store.get("a", "default", name);
          if (remove && present !== undefined) store.remove("a", present);
          else if (!remove) store.put("a", object(name, value));
          seen.push({ revision: store.revision, objects: store.list("a") });
        }
        for (const { revision, objects } of seen) expect(store.listAt("a", undefined, revision)).toEqual(objects);
      }),
    );
  });
});
