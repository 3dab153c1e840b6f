import { describe, expect, test } from "vitest";
import { cyclesOf } from "./support/cycles.ts";
import { layerOf, violationsOf } from "./support/layers.ts";
import { importsOf, readSources } from "./support/sources.ts";

const linesMax = 300;
/** The linter forbids clocks and timers there; it cannot tell `Math.random` from the rest of `Math`. */
const pureFolders = ["packages/core/", "packages/allocator/", "packages/kubernetes/", "packages/emulators/ec2/model/"];
const modules = [".ts", ".mts", ".mjs", ".tsx"];

describe("the project", () => {
  test("every dependency points in the direction that the design gives it", async () => {
    const sources = await readSources(modules);

    expect(sources.length).toBeGreaterThan(20);
    expect(sources.flatMap(violationsOf)).toEqual([]);
  });

  test("no file imports itself by way of others, neither values nor types", async () => {
    expect(cyclesOf(await readSources(modules))).toEqual([]);
  });

  test(`no file that is written by hand has more than ${linesMax} lines`, async () => {
    const sources = await readSources(modules);
    const byHand = sources.filter(({ text }) => !/^\W*(?:Generated|Made) by /.test(text));
    const long = byHand.filter(({ text }) => text.trimEnd().split("\n").length > linesMax);

    expect(long.map(({ path }) => path)).toEqual([]);
  });

  test("what is pure draws no random numbers", async () => {
    const sources = await readSources(modules);
    const pure = sources.filter(({ path }) => pureFolders.some((folder) => path.startsWith(folder)));
    const drawing = pure.filter(({ path, text }) => !path.endsWith(".test.ts") && /\bMath\.random\b/.test(text));

    expect(pure.length).toBeGreaterThan(10);
    expect(drawing.map(({ path }) => path)).toEqual([]);
  });

  test("nothing speaks of files outside of the repository", async () => {
    const outside = ["..", "shared"].join("/");
    const sources = await readSources([...modules, ".json", ".jsonc", ".md", ".yaml", ".yml", "/run"]);

    expect(sources.filter(({ text }) => text.includes(outside)).map(({ path }) => path)).toEqual([]);
  });
});

describe("violationsOf", () => {
  const core = "packages/core/decide.ts";

  test.each([
    ["the core importing the standard library", core, 'import { join } from "node:path";'],
    ["the core importing a package", core, 'import { z } from "zod";'],
    ["the core importing values of the Kubernetes rules", core, 'import { match } from "@trunkline/kubernetes";'],
    ["the core loading a module", core, 'const zod = await import("zod");'],
    ["a re-export over several lines", core, 'export {\n  z,\n} from "zod";'],
    ["an import for its side effect", core, 'import "zod";'],
    ["the allocator importing an adapter", "packages/allocator/a.ts", 'import { ledger } from "@trunkline/ledger";'],
    ["an adapter importing the other", "packages/ledger/a.ts", 'import type { Ec2 } from "@trunkline/ec2";'],
    [
      "messages importing what is above them",
      "packages/messages/a.ts",
      'import { x } from "@trunkline/runtime/names";',
    ],
    ["a function importing an adapter", "functions/reaper.ts", 'import { ledger } from "@trunkline/ledger";'],
    [
      "the forwarder importing values of the core",
      "packages/forwarder/a.ts",
      'import { decide } from "@trunkline/core";',
    ],
    ["the forwarder importing EC2", "packages/forwarder/a.ts", 'import { x } from "@trunkline/ec2";'],
    ["an emulator importing the core", "packages/emulators/ec2/model/a.ts", 'import { x } from "@trunkline/core";'],
    ["an emulator importing the other", "packages/emulators/ec2/a.ts", 'import "@trunkline/emulator-kubernetes";'],
    ["the runtime importing a function", "packages/runtime/a.ts", 'import { x } from "@trunkline/functions/reaper";'],
    ["the deployment importing the domain", "stacks/table.ts", 'import { decide } from "@trunkline/core";'],
    ["the deployment importing the runtime", "stacks/table.ts", 'import { x } from "@trunkline/runtime";'],
    ["a test importing the deployment", "test/support/a.ts", 'import { x } from "../../stacks/table.ts";'],
    ["a path into another package", "packages/ledger/a.ts", 'import { x } from "../core/index.ts";'],
    ["a source importing the tests' support", "packages/ledger/a.ts", 'import { x } from "../../test/support/a.ts";'],
    ["a unit test importing the deployment", "packages/ledger/a.test.ts", 'import "../../stacks/table.ts";'],
  ])("%s is caught", (_, path, text) => {
    expect(violationsOf({ path, text })).toHaveLength(1);
  });

  test.each([
    ["the core importing types of the Kubernetes rules", core, 'import type { Pod } from "@trunkline/kubernetes";'],
    ["a neighbour", core, 'import { claim } from "./claim.ts";\nexport * from "./release.ts";'],
    ["a subpath of an allowed package", "packages/ledger/a.ts", 'import { x } from "@trunkline/core/vlans";'],
    [
      "the forwarder importing types of the core",
      "packages/forwarder/a.ts",
      'import type { X } from "@trunkline/core";',
    ],
    ["the deployment importing names", "stacks/table.ts", 'import { tableName } from "@trunkline/runtime/names";'],
    ["the local world importing a function", "packages/local/a.ts", 'import { x } from "@trunkline/functions/reaper";'],
    [
      "a unit test importing the tests' support",
      "packages/core/a.test.ts",
      'import { x } from "../../test/support/a.ts";',
    ],
    ["words in a comment", core, '// Nobody may import x from "zod" here.'],
  ])("%s is allowed", (_, path, text) => {
    expect(violationsOf({ path, text })).toEqual([]);
  });

  test("a new package that no rule speaks of is caught", () => {
    expect(layerOf("packages/novelty/a.ts")).toBeUndefined();
    expect(violationsOf({ path: "packages/novelty/a.ts", text: "" })).toEqual([
      "packages/novelty/a.ts belongs to no layer",
    ]);
  });
});

describe("cyclesOf", () => {
  const source = (path: string, ...imports: readonly string[]) => ({
    path,
    text: imports.map((specifier) => `import type { X } from "${specifier}";\n`).join(""),
  });

  test("finds a circle of types over several folders", () => {
    const sources = [source("a/x.ts", "../b/y.ts"), source("b/y.ts", "./z.ts"), source("b/z.ts", "../a/x.ts", "zod")];

    expect(cyclesOf(sources)).toEqual([["a/x.ts", "b/y.ts", "b/z.ts", "a/x.ts"]]);
  });

  test("finds none where two ways lead to the same file", () => {
    const sources = [source("x.ts", "./y.ts", "./z.ts"), source("y.ts", "./z.ts"), source("z.ts")];

    expect(cyclesOf(sources)).toEqual([]);
  });
});

test("importsOf tells types from values", () => {
  const text =
    'import type { A } from "a";\nimport b, { type C } from "b";\nimport * as d from "d";\nexport type { E } from "e";';

  expect(importsOf(text)).toEqual([
    { specifier: "a", isType: true },
    { specifier: "b", isType: false },
    { specifier: "d", isType: false },
    { specifier: "e", isType: true },
  ]);
});
