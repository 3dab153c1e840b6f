import { access, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";
import { findFiles } from "./support/documents.ts";

const root = join(import.meta.dirname, "..");
const documents = await findFiles(root, ".md");

/** Headings as GitHub makes anchors of them. */
const anchorsOf = (text: string): readonly string[] =>
  [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
const withoutCode = (text: string): string => text.replaceAll(/^```[\s\S]*?^```$/gm, "").replaceAll(/`[^`\n]*`/g, "");
const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/** One sentence for a link that leads nowhere. */
async function problemOf(document: string, link: string): Promise<string | undefined> {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? document : join(dirname(document), decodeURIComponent(path));
  if (!(await exists(target))) return `${link}: there is no such file`;
  if (anchor === undefined || !target.endsWith(".md")) return undefined;
  return anchorsOf(await readFile(target, "utf8")).includes(anchor) ? undefined : `${link}: there is no such heading`;
}

test("there are documents to look at", () => {
  expect(documents.map((path) => relative(root, path))).toEqual(
    expect.arrayContaining(["README.md", "deploy/README.md", "docs/operations/install.md"]),
  );
});

test.each(documents.map((path) => [relative(root, path), path]))(
  "every link in %s leads somewhere",
  async (_, path) => {
    const links = [...withoutCode(await readFile(path, "utf8")).matchAll(/\]\(([^)\s]+)\)/g)].map(
      ([, link = ""]) => link,
    );
    const inside = links.filter((link) => !/^[a-z]+:/.test(link));
    const problems = await Promise.all(inside.map((link) => problemOf(path, link)));

    expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
  },
);

test.each(documents.map((path) => [relative(root, path), path]))(
  "%s names files and scripts that exist",
  async (_, path) => {
    const text = await readFile(path, "utf8");
    const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { scripts: object };
    const named = [...text.matchAll(/npm run ([a-z:-]+)(?![a-z:-]| -w)/g)].map(([, name = ""]) => name);
    // Only what stands alone is a path from the root: links have been looked at above.
    const paths = [
      ...text.matchAll(/(?<![\w/.])(?:deploy|docs|examples|functions|packages|stacks|test)\/[\w./-]*\w(?![\w*…-])/g),
    ];
    const missing = await Promise.all(
      paths.map(async ([found]) =>
        (await exists(join(root, found))) || (await exists(join(root, `${found}.ts`))) ? [] : [`there is no ${found}`],
      ),
    );

    expect([...named.filter((name) => !(name in scripts)), ...missing.flat()]).toEqual([]);
  },
);

test("every page for operators is in their index", async () => {
  const folder = join(root, "docs/operations");
  const index = await readFile(join(folder, "README.md"), "utf8");
  const pages = documents.filter((path) => dirname(path) === folder && !path.endsWith("/README.md"));

  expect(pages.filter((path) => !index.includes(`](${relative(folder, path)})`))).toEqual([]);
});
