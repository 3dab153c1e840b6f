import { createPrivateKey, X509Certificate } from "node:crypto";
import { textOf } from "../../ports/log.ts";

/** A key and its certificate, both PEM. */
export interface KeyPair {
  readonly key: string;
  /** With the certificates that lead to its authority, if any. */
  readonly cert: string;
}

/** What is wrong with a pair, if anything: a half that cannot be read, or halves that do not belong together. Holds no key. */
export const problemOfPair = ({ key, cert }: KeyPair): string | undefined => {
  const certificate = attempt(() => new X509Certificate(cert));
  if (!certificate.ok) return `the certificate cannot be read: ${certificate.problem}`;
  const privateKey = attempt(() => createPrivateKey(key));
  if (!privateKey.ok) return `the key cannot be read: ${privateKey.problem}`;
  return certificate.value.checkPrivateKey(privateKey.value) ? undefined : "the key is not that of the certificate";
};

const attempt = <Value>(
  run: () => Value,
): { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly problem: string } => {
  try {
    return { ok: true, value: run() };
  } catch (problem) {
    return { ok: false, problem: textOf(problem) };
  }
};

/** When a certificate begins and ends, in epoch milliseconds. */
export interface Life {
  readonly begins: number;
  readonly ends: number;
}

/** The life of a PEM certificate. */
export const lifeOf = (cert: string): Life => {
  const { validFrom, validTo } = new X509Certificate(cert);
  return { begins: Date.parse(validFrom), ends: Date.parse(validTo) };
};
