import { beforeEach, describe, expect, test } from "vitest";
import { type Copy, createCopy, type Kept } from "./copy.ts";

interface Labelled extends Kept {
  readonly label: string;
}

let copy: Copy<Labelled>;
let told: string[];
let unreadable: string[];
let projected: number;

beforeEach(() => {
  told = [];
  unreadable = [];
  projected = 0;
  copy = createCopy<Labelled>({
    project: (raw) => {
      projected += 1;
      const { metadata, label } = raw as { metadata: Kept; label?: string };
      if (label === undefined) throw new TypeError("no label");
      const { uid, namespace, name, resourceVersion } = metadata;
      return { uid, namespace, name, resourceVersion, label };
    },
    onChange: (change) => {
      const { uid, label } = change.object;
      told.push(`${change.type === "seen" ? "seen" : `${change.how} at ${change.version}`} ${uid} ${label}`);
    },
    onUnreadable: (name, problem) => unreadable.push(`${name}: ${problem}`),
  });
});

const raw = (uid: string, resourceVersion: string, label?: string) => ({
  metadata: { uid, namespace: "default", name: "a", resourceVersion },
  ...(label === undefined ? {} : { label }),
});
const take = (type: string, ...object: Parameters<typeof raw>) => copy.take(type, raw(...object));
const label = () => copy.get("default", "a")?.label;

describe("an event", () => {
  test("of a change is told with its version, and once when it comes twice", () => {
    expect(take("ADDED", "u1", "5", "x")).toEqual({ type: "version", version: "5" });
    take("ADDED", "u1", "5", "x");
    take("MODIFIED", "u1", "6", "y");

    expect(told).toEqual(["seen u1 x", "seen u1 y"]);
  });

  test("of a deletion tells the last state", () => {
    take("ADDED", "u1", "5", "x");
    take("DELETED", "u1", "7", "last");

    expect(told).toEqual(["seen u1 x", "deleted at 7 u1 last"]);
    expect(label()).toBeUndefined();
  });

  test.each([
    ["an object that is not known", "u9"],
    ["another object than the one that now has its name", "u0"],
  ])("of the deletion of %s changes nothing", (_, uid) => {
    if (uid === "u0") take("ADDED", "u1", "5", "x");
    const before = told.length;

    expect(take("DELETED", uid, "7", "x")).toEqual({ type: "version", version: "7" });
    expect(told).toHaveLength(before);
  });

  test("of a bookmark moves the version alone", () => {
    expect(copy.take("BOOKMARK", { metadata: { resourceVersion: "99" } })).toEqual({ type: "version", version: "99" });
    expect([...copy.values()]).toEqual([]);
  });

  test("that tells 410 says that the version is too old", () => {
    expect(copy.take("ERROR", { kind: "Status", code: 410 })).toEqual({ type: "expired" });
  });

  test.each<[string, string, unknown, string]>([
    ["of an unknown type", "RENAMED", raw("u1", "5", "x"), "an event of the unknown type RENAMED"],
    ["without a version", "ADDED", { metadata: { uid: "u1" } }, "an event ADDED without a resourceVersion"],
    [
      "with version 0",
      "BOOKMARK",
      { metadata: { resourceVersion: "0" } },
      "an event BOOKMARK without a resourceVersion",
    ],
    ["without an object", "MODIFIED", null, "an event MODIFIED without a resourceVersion"],
    ["of an error", "ERROR", { code: 500, message: "etcd" }, "an error: etcd"],
    ["of an error without words", "ERROR", null, "an error: without a message"],
  ])("%s is not relied on and changes nothing", (_, type, object, problem) => {
    expect(copy.take(type, object)).toEqual({ type: "garbled", problem });
    expect(told).toEqual([]);
  });
});

describe("a list", () => {
  const list = (version: string, ...objects: readonly ReturnType<typeof raw>[]) =>
    copy.replace(
      objects.flatMap((object) => copy.read(object) ?? []),
      version,
    );

  test("of what is known is read once and tells nothing", () => {
    list("6", raw("u1", "5", "x"));
    list("9", raw("u1", "5", "x"));

    expect(projected).toBe(1);
    expect(told).toEqual(["seen u1 x"]);
  });

  test("with another object under a name tells the first one's end before it", () => {
    list("6", raw("u1", "5", "x"));
    list("9", raw("u2", "8", "y"));

    expect(told).toEqual(["seen u1 x", "absent-from-list at 8 u1 x", "seen u2 y"]);
  });

  test("without an object tells its end at the list's version", () => {
    list("6", raw("u1", "5", "x"));
    list("9");

    expect(told).toEqual(["seen u1 x", "absent-from-list at 9 u1 x"]);
  });
});

describe("an object that cannot be read", () => {
  test("is reported and stays unknown", () => {
    expect(take("ADDED", "u1", "5")).toEqual({ type: "version", version: "5" });

    expect(unreadable).toEqual(["default/a: TypeError: no label"]);
    expect(told).toEqual([]);
  });

  test("stays as it was known, in lists too, and ends like any other", () => {
    take("ADDED", "u1", "5", "x");
    take("MODIFIED", "u1", "6");
    copy.replace(
      [copy.read(raw("u1", "6"))].filter((object) => object !== undefined),
      "7",
    );
    expect(label()).toBe("x");

    take("DELETED", "u1", "8");
    expect(told).toEqual(["seen u1 x", "deleted at 8 u1 x"]);
  });
});
