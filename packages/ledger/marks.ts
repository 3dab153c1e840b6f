import { randomBytes } from "node:crypto";

/** A mark of one write, 8 characters. The SDK's repeat of the write carries the same one, another write never does. */
export function freshMark(): string {
  return randomBytes(6).toString("base64url");
}
