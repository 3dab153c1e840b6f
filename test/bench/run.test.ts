import { describe, expect, test } from "vitest";
import { type Benchmark, type Row, ratioOf, verdictOf } from "./benchmark.ts";
import { withSection } from "./document.ts";
import { choose, runAll } from "./run.ts";
import { markdownTable, textTable } from "./table.ts";

const row = (change: Partial<Row> = {}): Row => ({ figure: "last pod", value: 200, unit: "s", ...change }) as Row;
const aBenchmark = (name: string, run: Benchmark["run"] = async () => [row()]): Benchmark => ({
  name,
  title: `the title of ${name}`,
  run,
});

describe("a figure", () => {
  test.each<[string, Partial<Row>, string]>([
    ["at its maximum", { target: { max: 200 } }, "met"],
    ["above its maximum", { target: { max: 199.9 } }, "missed"],
    ["at its minimum", { target: { min: 200 } }, "met"],
    ["below its minimum", { target: { min: 200.1 } }, "missed"],
    ["at its ratio", { floor: 160, target: { maxRatio: 1.25 } }, "met"],
    ["above its ratio", { floor: 159, target: { maxRatio: 1.25 } }, "missed"],
    ["with a ratio to nothing", { floor: 0, target: { maxRatio: 1.25 } }, "missed"],
    ["that is no number", { value: Number.NaN, target: { max: 200 } }, "missed"],
    ["that is no number, with a minimum", { value: Number.NaN, target: { min: 0 } }, "missed"],
    ["without a target", {}, "no target"],
  ])("%s", (_, change, verdict) => {
    expect(verdictOf(row(change))).toBe(verdict);
  });

  test("has a ratio to its floor", () => {
    expect(ratioOf(row({ floor: 160 }))).toBe(1.25);
    expect(ratioOf(row())).toBeUndefined();
  });
});

describe("a table", () => {
  const rows = [
    row({ floor: 191, target: { maxRatio: 1.03 }, peer: "192 s" }),
    row({ figure: "resident", value: 1_234.56, unit: "MB", target: { max: 300 } }),
    row({ figure: "p99", value: 0.012345, unit: "ms", target: { min: 0.01 } }),
  ];

  test("aligns its columns and says what was met", () => {
    expect(textTable(rows).split("\n")).toEqual([
      "figure    value       floor  ratio    peer   target",
      "last pod  200 s       191 s  1.047 ×  192 s  ≤ 1.03 × floor  missed",
      "resident  1,235 MB                           ≤ 300 MB        missed",
      "p99       0.01235 ms                         ≥ 0.01 ms       met",
      "",
    ]);
  });

  test("in Markdown keeps a bar inside its cell", () => {
    expect(markdownTable([row({ figure: "a|b" })])).toBe(
      "| figure | value | floor | ratio | peer | target |  |\n" +
        "| --- | --- | --- | --- | --- | --- | --- |\n" +
        "| a\\|b | 200 s |  |  |  |  |  |\n",
    );
  });
});

describe("the benchmarks that are asked for", () => {
  const known = [aBenchmark("a"), aBenchmark("b")];
  const names = (...words: string[]) => {
    const choice = choose(words, known);
    return choice.ok ? choice.chosen.map(({ name }) => name) : choice.problem;
  };

  test("are all when none is named, else those, each once", () => {
    expect(names()).toEqual(["a", "b"]);
    expect(names("b", "b")).toEqual(["b"]);
    expect(choose(["--write", "a"], known)).toMatchObject({ ok: true, chosen: [known[0]], write: true });
  });

  test("must be known", () => {
    expect(names("a", "c", "--wrote")).toBe(
      "no benchmark is called c or --wrote; these are known:\n  a: the title of a\n  b: the title of b\n",
    );
  });
});

describe("a run", () => {
  const run = async (...chosen: Benchmark[]) => {
    const seen = { out: "", err: "", kept: [] as string[] };
    const good = await runAll(chosen, {
      out: (text) => {
        seen.out += text;
      },
      err: (text) => {
        seen.err += text;
      },
      keep: async ({ name }) => void seen.kept.push(name),
    });
    return { good, ...seen };
  };

  test("prints progress apart from the figures, and is good when every target is met", async () => {
    const { good, out, err } = await run(
      aBenchmark("a", async (progress) => {
        progress("half way");
        return [row({ target: { max: 200 } })];
      }),
    );

    expect(good).toBe(true);
    expect(err).toBe("a: half way\n");
    expect(out).toContain("a: the title of a\nfigure");
  });

  test("is bad when one target of one benchmark is missed, and keeps the figures all the same", async () => {
    const { good, kept } = await run(
      aBenchmark("a", async () => [row({ target: { max: 1 } }), row({ target: { max: 200 } })]),
      aBenchmark("b"),
    );

    expect(good).toBe(false);
    expect(kept).toEqual(["a", "b"]);
  });

  test.each<[string, Benchmark["run"], string]>([
    ["fails", () => Promise.reject(new Error("no server")), "no server"],
    ["measures nothing", async () => [], "it measured nothing"],
  ])("is bad when a benchmark %s, and goes on with the next", async (_, failing, why) => {
    const { good, err, kept } = await run(aBenchmark("a", failing), aBenchmark("b"));

    expect(good).toBe(false);
    expect(err).toContain(`a: cannot be measured: Error: ${why}`);
    expect(kept).toEqual(["b"]);
  });
});

describe("the document", () => {
  const occasion = { date: "2026-11-21", machine: "2 × Cray-1" };
  const first = withSection("# Benchmarks\n", aBenchmark("a"), [row()], occasion);

  test("gets a section for each benchmark, with date and machine", () => {
    expect(first).toMatch(
      /^# Benchmarks\n\n<!-- bench a -->\n## a\n\nthe title of a\n\n2026-11-21, 2 × Cray-1\n\n\| fig/,
    );
    expect(first).toContain("| last pod | 200 s |");
  });

  test("keeps the other sections and all other text when one is written again", () => {
    const both = withSection(`${first}\nBy hand.\n`, aBenchmark("b"), [row()], occasion);
    const again = withSection(both, aBenchmark("a"), [row({ value: 150 })], { ...occasion, date: "2026-12-01" });

    expect(again).toBe(
      both.replace("| last pod | 200 s |", "| last pod | 150 s |").replace("2026-11-21", "2026-12-01"),
    );
  });
});
