import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { metricCatalogue } from "../ports/metrics.ts";
import { environment, readEnvironment } from "../settings.ts";
import { createPrometheus } from "./prometheus.ts";

const prometheus = createPrometheus();
let page: string;

beforeAll(async () => {
  page = await readFile(join(import.meta.dirname, "../../../docs/operations/forwarder.md"), "utf8");
});

afterAll(() => prometheus.close());

/** The cells of the rows under a heading, without the table's head. */
const rowsUnder = (heading: string): readonly (readonly string[])[] => {
  const [, section = ""] = page.split(`\n## ${heading}\n`);
  const [body = ""] = section.split("\n## ");
  return body
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
};
const codeIn = (cell = ""): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);

describe("the page about the forwarder", () => {
  test("names every variable that the program reads, and no other", () => {
    const documented = rowsUnder("Settings").map(([name]) => codeIn(name)[0]);

    expect(documented.sort()).toEqual(Object.keys(environment.shape).sort());
  });

  test("tells the default of every variable that has one", () => {
    const least = {
      TRUNKLINE_CLUSTER: "blue",
      TRUNKLINE_POD_EVENTS_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/1/pods",
      TRUNKLINE_NODE_EVENTS_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/1/nodes",
      TRUNKLINE_OUTCOMES_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/1/outcomes",
      AWS_REGION: "eu-west-1",
      TRUNKLINE_ADMISSION_CERT: "/tls/tls.crt",
      TRUNKLINE_ADMISSION_KEY: "/tls/tls.key",
    };
    const read = readEnvironment(least);
    if (!read.ok) throw new Error(read.problems.join(" "));
    const values: Readonly<Record<string, unknown>> = read.value;
    const defaults = Object.entries(values).filter(([name]) => !Object.hasOwn(least, name));
    const documented = new Map(
      rowsUnder("Settings").map(([name, , value]) => [codeIn(name)[0], value?.replaceAll("`", "")]),
    );

    expect(defaults.length).toBeGreaterThan(10);
    for (const [name, value] of defaults) expect([name, documented.get(name)]).toEqual([name, String(value)]);
  });

  test("tells the limits of every number", () => {
    for (const [names, , , limits = ""] of rowsUnder("Settings")) {
      const [name = ""] = codeIn(names);
      const range = /^(\d+)–(\d+)/.exec(limits);
      const problem = readEnvironment({ [name]: "x" });
      const told = problem.ok
        ? undefined
        : problem.problems.find((line) => line.includes("whole number") && line.startsWith(name));
      expect([name, told]).toEqual([
        name,
        range === null ? undefined : `${name} must be a whole number from ${range[1]} to ${range[2]}.`,
      ]);
    }
  });

  test("names every metric with its labels, and no other", () => {
    const documented = rowsUnder("Metrics")
      .filter(([name]) => /^`[a-zA-Z_]+`$/.test(name ?? ""))
      .map(([name, labels]) => [codeIn(name)[0], codeIn(labels)]);
    const catalogue = Object.entries(metricCatalogue).map(([name, { labels }]) => [name, [...labels]]);

    expect(documented.sort()).toEqual(catalogue.sort());
  });
});

test("the registry holds what the catalogue names, and what describes the process", () => {
  const names = prometheus.names();

  expect(names.filter((name) => !/^(process|nodejs)_/.test(name)).sort()).toEqual(Object.keys(metricCatalogue).sort());
  expect(names.some((name) => name.startsWith("process_"))).toBe(true);
});

test("no label can hold a name of a pod, a node or a namespace", () => {
  const labels = new Set<string>(Object.values(metricCatalogue).flatMap((metric) => [...metric.labels]));

  expect([...labels].sort()).toEqual([
    "annotate_key",
    "change",
    "code",
    "collection",
    "method",
    "name",
    "node_version",
    "queue",
    "reason",
    "resource_name",
    "result",
    "type",
    "verb",
    "version",
    "webhook",
  ]);
});
