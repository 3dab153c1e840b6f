import { posix } from "node:path";
import { type Import, importsOf, type SourceFile } from "./sources.ts";

/** What a part of the project may import of the other parts, and from outside. */
interface Rule {
  /** Layers, or single modules of them. */
  readonly imports: readonly string[];
  /** Layers of which only types may be imported. */
  readonly types?: readonly string[];
  /** Whether the standard library and packages of others may be imported. */
  readonly outside: boolean;
}

const limits = ["core/instance-limits", "core/instance-limits-table"];
const names = ["ledger/table", "runtime/limits", "runtime/names"];
const everythingThatRuns = [
  "allocator",
  "core",
  "ec2",
  "emulator-ec2",
  "emulator-kubernetes",
  "forwarder",
  "functions",
  "kubernetes",
  "ledger",
  "local",
  "messages",
  "runtime",
];

/** The directions of the project's dependencies. A new package gets its line here. */
const rules: Readonly<Record<string, Rule>> = {
  core: { imports: [], types: ["kubernetes"], outside: false },
  kubernetes: { imports: [], types: ["core"], outside: false },
  allocator: { imports: ["core"], outside: false },
  ledger: { imports: ["core"], outside: true },
  ec2: { imports: ["core"], outside: true },
  messages: { imports: ["core"], outside: true },
  runtime: { imports: ["allocator", "ledger", "ec2", "messages", "core"], outside: true },
  functions: { imports: ["allocator", "messages", "runtime"], outside: true },
  forwarder: { imports: ["kubernetes", "messages"], types: ["core"], outside: true },
  "emulator-ec2": { imports: [], outside: true },
  "emulator-kubernetes": { imports: [], outside: true },
  local: { imports: everythingThatRuns, outside: true },
  stacks: { imports: [...names, ...limits], outside: true },
  scripts: { imports: limits, outside: true },
  test: { imports: everythingThatRuns, outside: true },
};

/** Layers by the folder that holds them; the first that fits counts. */
const folders: readonly (readonly [folder: string, layer: string])[] = [
  ["packages/emulators/ec2/", "emulator-ec2"],
  ["packages/emulators/kubernetes/", "emulator-kubernetes"],
  ["functions/", "functions"],
  ["stacks/", "stacks"],
  ["sst.config.ts", "stacks"],
  ["trunkline.config.ts", "stacks"],
  ["scripts/", "scripts"],
  ["test/", "test"],
  ["vitest.config.ts", "test"],
];

/** The layer that a file belongs to, or nothing when no rule speaks of its place. */
export function layerOf(path: string): string | undefined {
  const named = folders.find(([folder]) => path.startsWith(folder))?.[1];
  const layer = named ?? /^packages\/([^/]+)\//.exec(path)?.[1];
  return layer !== undefined && Object.hasOwn(rules, layer) ? layer : undefined;
}

/** One sentence for each import of the file that goes against the rules. */
export function violationsOf({ path, text }: SourceFile): string[] {
  const layer = layerOf(path);
  if (layer === undefined) {
    return [`${path} belongs to no layer`];
  }
  return importsOf(text)
    .filter((found) => !isAllowed(found, { path, layer }))
    .map(({ specifier, isType }) => `${path} imports ${isType ? "types of " : ""}${specifier}`);
}

interface Importer {
  readonly path: string;
  readonly layer: string;
}

function isAllowed({ specifier, isType }: Import, { path, layer }: Importer): boolean {
  const rule = ruleFor(path, layer);
  if (specifier.startsWith(".")) {
    const target = posix.join(posix.dirname(path), specifier);
    return layerOf(target) === layer || (isUnitTest(path) && target.startsWith("test/support/"));
  }
  const module = /^@trunkline\/(.+)$/.exec(specifier)?.[1];
  if (module === undefined) {
    return rule.outside;
  }
  const [target = ""] = module.split("/");
  const isNamed = (names: readonly string[]) => names.includes(target) || names.includes(module);
  return target === layer || isNamed(rule.imports) || (isType && isNamed(rule.types ?? []));
}

/** A unit test stands next to its source and may set up more than the source may use, but for the deployment. */
function ruleFor(path: string, layer: string): Rule {
  return rules[isUnitTest(path) && layer !== "stacks" ? "test" : layer] as Rule;
}

function isUnitTest(path: string): boolean {
  return path.endsWith(".test.ts");
}
