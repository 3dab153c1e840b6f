/**
 * Quantities such as `500m`, `1Gi` and `2`: parsed to a number and written in canonical form.
 * See https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.
 */

const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
/** Where the suffix for one stands in {@link DECIMAL}. */
const ONE = 3;
const FORM = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+)?$/;

/** The value of a quantity, or `undefined` when it is malformed. */
export function parseQuantity(text: string | number): number | undefined {
  const match = FORM.exec(String(text));
  if (match === null) return undefined;
  const number = Number(match[1]);
  const suffix = match[2] ?? "";
  if (suffix.endsWith("i")) return number * 1024 ** BINARY.indexOf(suffix);
  if (suffix !== "" && DECIMAL.includes(suffix)) return number * 1000 ** (DECIMAL.indexOf(suffix) - ONE);
  return suffix === "" ? number : number * 10 ** Number(suffix.slice(1));
}

/** The canonical form: no fraction, the largest suffix that needs none. A malformed quantity comes back unchanged. */
export function canonicalQuantity(text: string | number): string {
  const value = parseQuantity(text);
  if (value === undefined) return String(text);
  if (value === 0) return "0";
  if (/i$/.test(String(text))) return inBinary(value);
  return inDecimal(value);
}

function inBinary(value: number): string {
  if (!Number.isInteger(value)) return inDecimal(value);
  let power = 0;
  let rest = value;
  while (power < BINARY.length - 1 && rest % 1024 === 0) {
    rest /= 1024;
    power += 1;
  }
  return `${rest}${BINARY[power]}`;
}

function inDecimal(value: number): string {
  // The smallest unit is a billionth; the API server rounds up to it.
  let rest = Number.isSafeInteger(value)
    ? BigInt(value) * 1_000_000_000n
    : BigInt(Math.ceil(Number((value * 1e9).toPrecision(15))));
  let power = 0;
  while (power < DECIMAL.length - 1 && rest % 1000n === 0n) {
    rest /= 1000n;
    power += 1;
  }
  return `${rest}${DECIMAL[power]}`;
}
