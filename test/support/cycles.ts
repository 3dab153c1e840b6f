import { posix } from "node:path";
import { importsOf, type SourceFile } from "./sources.ts";

/**
 * The circles in which files import each other, types included: whoever reads one of such files must have read the others before. Each circle is
 * told once, as its paths from the first to the first again.
 */
export function cyclesOf(sources: readonly SourceFile[]): string[][] {
  const imports = new Map(sources.map((source) => [source.path, neighboursOf(source)]));
  const done = new Set<string>();
  const cycles: string[][] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const from = trail.indexOf(path);
    if (from >= 0) cycles.push([...trail.slice(from), path]);
    if (from >= 0 || done.has(path)) return;
    for (const next of imports.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  return cycles;
}

function neighboursOf({ path, text }: SourceFile): string[] {
  return importsOf(text)
    .filter(({ specifier }) => specifier.startsWith("."))
    .map(({ specifier }) => posix.join(posix.dirname(path), specifier));
}
