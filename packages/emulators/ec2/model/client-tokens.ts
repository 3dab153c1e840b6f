import { Ec2Error, invalidValue } from "./errors.ts";

const LENGTH_MAX = 64;
const KEPT_MS = 24 * 3_600_000;
const KEPT_MAX = 100_000;

interface Used {
  readonly fingerprint: string;
  readonly answer: () => object;
  readonly atMs: number;
}

/**
 * The client tokens that were used. The same token with the same parameters answers again what it answered first, also
 * when what was made is long deleted; with other parameters it is refused.
 * See https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
 */
export class ClientTokens {
  readonly #used = new Map<string, Used>();

  /** `effect` makes something and returns how to answer for it; it runs at most once per token. */
  once<T extends object>(call: TokenCall, effect: () => () => T): T {
    const { action, input, nowMs } = call;
    const token = input.ClientToken;
    if (token === undefined || token === "") return effect()();
    if (token.length > LENGTH_MAX) throw invalidValue(`Invalid value '${token}' for clientToken.`);
    this.#forget(nowMs);
    const key = `${action} ${token}`;
    const fingerprint = fingerprintOf(input);
    const used = this.#used.get(key);
    if (used && used.fingerprint !== fingerprint) {
      throw new Ec2Error(
        "IdempotentParameterMismatch",
        `The client token '${token}' was used before with other parameters. Arguments on this idempotent request are inconsistent with arguments used in previous request(s).`,
      );
    }
    if (used) return used.answer() as T;
    const answer = effect();
    this.#used.set(key, { fingerprint, answer, atMs: nowMs });
    return answer();
  }

  #forget(nowMs: number): void {
    for (const [key, used] of this.#used) {
      if (used.atMs > nowMs - KEPT_MS && this.#used.size < KEPT_MAX) return;
      this.#used.delete(key);
    }
  }
}

/** Which call carries the token, and when it came (epoch milliseconds). */
export interface TokenCall {
  readonly action: string;
  readonly input: { readonly ClientToken?: string | undefined };
  readonly nowMs: number;
}

function fingerprintOf(input: object): string {
  return JSON.stringify({ ...input, ClientToken: undefined, DryRun: undefined }, (_, value: unknown) =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
