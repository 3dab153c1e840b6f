import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** A file of the project. */
export interface SourceFile {
  /** Relative to the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** One import or re-export. */
export interface Import {
  readonly specifier: string;
  /** Whether it is written as `import type` or `export type`, so that nothing is loaded. */
  readonly isType: boolean;
}

const root = join(import.meta.dirname, "../..");
const skipped = new Set([".git", ".sst", ".trunkline", "coverage", "dist", "node_modules"]);

/** Reads every file of the repository whose name ends as one of these, but for what is made or installed. */
export async function readSources(endings: readonly string[]): Promise<SourceFile[]> {
  const files = await listFiles(root);
  const wanted = files.filter((file) => endings.some((ending) => file.endsWith(ending)));
  return Promise.all(
    wanted.map(async (file) => ({
      path: relative(root, file).replaceAll("\\", "/"),
      text: await readFile(file, "utf8"),
    })),
  );
}

async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const nested = entries
    .filter(({ name }) => !skipped.has(name))
    .map((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? listFiles(path) : entry.isFile() ? [path] : [];
    });
  return (await Promise.all(nested)).flat();
}

const bindings = String.raw`(?:[\w$]+|\*(?:\s+as\s+[\w$]+)?|\{[^}]*\})`;
const statement = new RegExp(
  String.raw`^\s*(?:import|export)\s+(type\s+)?${bindings}(?:\s*,\s*${bindings})?\s+from\s*["']([^"']+)["']`,
  "gm",
);
const sideEffect = /^\s*import\s*["']([^"']+)["']/gm;
const dynamic = /\b(?:import|require)\(\s*["'`]([^"'`]+)["'`]/g;

/** The imports of a module: statements, re-exports, and calls of `import` or `require` with a plain string. */
export function importsOf(text: string): Import[] {
  return [
    ...[...text.matchAll(statement)].map(([, type, specifier = ""]) => ({ specifier, isType: type !== undefined })),
    ...[...text.matchAll(sideEffect), ...text.matchAll(dynamic)].map(([, specifier = ""]) => ({
      specifier,
      isType: false,
    })),
  ];
}
