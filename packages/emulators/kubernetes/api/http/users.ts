/** Who a bearer token names. */

import type { Random } from "../../ports.ts";
import { ADMINISTRATOR, type User, userNamed } from "../requests/context.ts";
import { unauthorized } from "../statuses.ts";

/** A token that is configured. */
export interface StaticToken {
  token: string;
  user: string;
  groups?: readonly string[];
}

const ISSUED_MAX = 10_000;
const TOKEN_CHARACTERS = 40;
const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** The tokens that are known: configured ones, and those issued for service accounts until they expire. */
export class Tokens {
  readonly #static: Map<string, User>;
  readonly #issued = new Map<string, { user: User; expiresMs: number }>();
  readonly #random: Random;

  constructor(tokens: readonly StaticToken[], random: Random) {
    this.#static = new Map(tokens.map((entry) => [entry.token, userNamed(entry.user, entry.groups)]));
    this.#random = random;
  }

  /** The user of a request. Without a token it is the administrator; an unknown or expired one throws 401. */
  userOf(authorization: string | undefined, nowMs: number): User {
    if (authorization === undefined) return ADMINISTRATOR;
    const token = /^Bearer\s+(.+)$/i.exec(authorization)?.[1]?.trim() ?? "";
    const known = this.#static.get(token);
    if (known !== undefined) return known;
    const issued = this.#issued.get(token);
    if (issued === undefined || issued.expiresMs <= nowMs) throw unauthorized();
    return issued.user;
  }

  /** A new token for the user. */
  issue(user: string, expiresMs: number): string {
    const [oldest] = this.#issued.keys();
    if (this.#issued.size >= ISSUED_MAX && oldest !== undefined) this.#issued.delete(oldest);
    const token = Array.from(
      { length: TOKEN_CHARACTERS },
      () => LETTERS[Math.floor(this.#random() * LETTERS.length)],
    ).join("");
    this.#issued.set(token, { user: userNamed(user), expiresMs });
    return token;
  }
}
