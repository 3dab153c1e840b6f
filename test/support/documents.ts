import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** Folders that hold no text of this project's own. */
const skipped = new Set(["node_modules", "coverage", "dist"]);

/** The files below a folder whose names end so, sorted; folders that begin with a dot are left out. */
export async function findFiles(folder: string, ending: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isFile()) return entry.name.endsWith(ending) ? [path] : [];
      return entry.isDirectory() && !entry.name.startsWith(".") && !skipped.has(entry.name)
        ? findFiles(path, ending)
        : [];
    }),
  );
  return found.flat().sort();
}
