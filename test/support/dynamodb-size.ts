/**
 * The size of a row as DynamoDB bills it, in bytes: names and values, numbers by their digits.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export function rowSize(row: Readonly<Record<string, unknown>>): number {
  return Object.entries(row).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueSize(value), 0);
}

function valueSize(value: unknown): number {
  if (value === undefined) return 0;
  if (value === null || typeof value === "boolean") return 1;
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value === "number") return numberSize(value);
  if (Array.isArray(value)) return 3 + value.reduce((sum, inner) => sum + 1 + valueSize(inner), 0);
  if (typeof value === "object") return 3 + Object.keys(value).length + rowSize({ ...value });
  throw new TypeError(`A row holds no ${typeof value}.`);
}

function numberSize(value: number): number {
  const digits = String(Math.abs(value)).replace(/e.*$/, "").replace(".", "").replace(/^0+/, "").replace(/0+$/, "");
  return Math.ceil(digits.length / 2) + 1 + (value < 0 ? 1 : 0);
}
