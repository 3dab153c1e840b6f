import type { Filter } from "@aws-sdk/client-ec2";
import { Ec2Error, invalidValue } from "./errors.ts";
import type { Tags } from "./tags.ts";

type FilterValue = string | number | boolean | undefined;

/** For each filter name the values that a record has under it; the record matches when one of them does. */
export type FilterTable<T> = Readonly<Record<string, (record: T) => readonly FilterValue[]>>;

/** The tags of a record, for the filters `tag:<key>` and `tag-key`. */
export interface Tagged {
  readonly tags: Tags;
}

const FILTERS_MAX = 50;
const VALUES_MAX = 200;

/**
 * A test for the filters of a request: all filters must match, of each filter one value. Values may hold the wildcards
 * `*` and `?`. Throws `InvalidParameterValue` for a filter that the table does not know.
 * See https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
 */
export function compileFilters<T extends Tagged>(
  filters: readonly Filter[] | undefined,
  table: FilterTable<T>,
): (record: T) => boolean {
  const tests = (filters ?? []).map((filter) => compileFilter(filter, table));
  const values = (filters ?? []).reduce((sum, filter) => sum + (filter.Values?.length ?? 0), 0);
  if (tests.length > FILTERS_MAX || values > VALUES_MAX) {
    throw new Ec2Error("FilterLimitExceeded", "The maximum number of filter values specified on a single call is 200");
  }
  return (record) => tests.every((test) => test(record));
}

function compileFilter<T extends Tagged>(filter: Filter, table: FilterTable<T>): (record: T) => boolean {
  const name = filter.Name ?? "";
  const valuesOf = readerOf(name, table);
  if (!valuesOf) throw invalidValue(`The filter '${name}' is invalid`);
  if (!filter.Values?.length) throw invalidValue("The filter 'null' is invalid");
  const patterns = filter.Values.map(compilePattern);
  return (record) =>
    valuesOf(record).some((value) => value !== undefined && patterns.some((matches) => matches(String(value))));
}

function readerOf<T extends Tagged>(
  name: string,
  table: FilterTable<T>,
): ((record: T) => readonly FilterValue[]) | undefined {
  if (name.startsWith("tag:")) return (record) => [record.tags.get(name.slice("tag:".length))];
  if (name === "tag-key") return (record) => [...record.tags.keys()];
  if (name === "tag-value") return (record) => [...record.tags.values()];
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function compilePattern(pattern: string): (value: string) => boolean {
  if (!/[*?\\]/.test(pattern)) return (value) => value === pattern;
  const source = pattern.replace(/\\[*?\\]|[\s\S]/g, (token) => {
    if (token === "*") return "[\\s\\S]*";
    if (token === "?") return "[\\s\\S]";
    return (token.length === 2 ? token.slice(1) : token).replace(/[.+^${}()|[\]\\*?/-]/g, "\\$&");
  });
  const expression = new RegExp(`^${source}$`);
  return (value) => expression.test(value);
}
