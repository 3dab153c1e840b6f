import { X509Certificate } from "node:crypto";
import { backdateMilliseconds } from "./issue.ts";
import { type KeyPair, lifeOf, problemOfPair } from "./pair.ts";

/** What the Secret keeps, as far as it is sound. */
export interface Kept {
  /** Signs the serving certificate. */
  readonly authority: KeyPair | undefined;
  /** Will sign after the API servers have learnt to trust it. */
  readonly nextAuthority: KeyPair | undefined;
  /** PEM of the authority that signed before; trusted until no replica serves a certificate of it. */
  readonly oldAuthority: string | undefined;
  /** Of {@link Kept.authority}, for all names. */
  readonly serving: KeyPair | undefined;
}

/** A step that the Secret's contents need. */
export type Step =
  | "make-authority"
  | "make-next-authority"
  | "use-next-authority"
  | "drop-old-authority"
  | "make-serving";

/** How long API servers are given to hear of an authority before a certificate of it is served. */
const announceMilliseconds = 10 * 60_000;
/** How long replicas are given to take a certificate of the new authority before the old one is forgotten. */
const adoptMilliseconds = 60 * 60_000;

const pairIn = (data: Readonly<Record<string, string>>, name: string): KeyPair | undefined => {
  const pair = { cert: data[`${name}.crt`] ?? "", key: data[`${name}.key`] ?? "" };
  return problemOfPair(pair) === undefined ? pair : undefined;
};

const certificateIn = (pem: string | undefined): X509Certificate | undefined => {
  try {
    return pem === undefined ? undefined : new X509Certificate(pem);
  } catch {
    return undefined;
  }
};

/** Reads the Secret's texts; what is missing, broken or does not belong together is left out. */
export const readKept = (data: Readonly<Record<string, string>>, dnsNames: readonly string[]): Kept => {
  const authority = pairIn(data, "ca");
  const serving = pairIn(data, "tls");
  const isSound = authority !== undefined && serving !== undefined && isIssued(serving, authority, dnsNames);
  return {
    authority,
    nextAuthority: pairIn(data, "next-ca"),
    oldAuthority: certificateIn(data["old-ca.crt"]) === undefined ? undefined : data["old-ca.crt"],
    serving: isSound ? serving : undefined,
  };
};

const isIssued = (serving: KeyPair, authority: KeyPair, dnsNames: readonly string[]): boolean => {
  const [certificate, issuer] = [new X509Certificate(serving.cert), new X509Certificate(authority.cert)];
  return certificate.verify(issuer.publicKey) && dnsNames.every((name) => certificate.checkHost(name) !== undefined);
};

/** The Secret's texts; one that goes is null, as a merge patch wants it. */
export const dataOf = ({ authority, nextAuthority, oldAuthority, serving }: Kept): Record<string, string | null> => ({
  "ca.crt": authority?.cert ?? null,
  "ca.key": authority?.key ?? null,
  "next-ca.crt": nextAuthority?.cert ?? null,
  "next-ca.key": nextAuthority?.key ?? null,
  "old-ca.crt": oldAuthority ?? null,
  "tls.crt": serving?.cert ?? null,
  "tls.key": serving?.key ?? null,
});

/** Everything that API servers shall trust, PEM. */
export const bundleOf = ({ authority, nextAuthority, oldAuthority }: Kept): string =>
  [authority?.cert, nextAuthority?.cert, oldAuthority]
    .filter((cert) => cert !== undefined)
    .map((cert) => `${cert.trim()}\n`)
    .join("");

/** Renewed after two thirds of its life, so that a third is left for whatever prevents it. */
const isAged = (cert: string, now: number): boolean => {
  const { begins, ends } = lifeOf(cert);
  return now >= begins + ((ends - begins) * 2) / 3;
};

const ageOf = (cert: string, now: number): number => now - lifeOf(cert).begins - backdateMilliseconds;

/**
 * The next step, if there is one. An authority is announced to the API servers beside the one in use before it signs, and
 * trusted until no replica serves a certificate of it any more, so that no request fails while they change.
 *
 * @param now epoch milliseconds.
 * @param isAnnounced whether both webhook configurations hold {@link bundleOf} these contents.
 */
export const nextStep = (kept: Kept, now: number, isAnnounced: boolean): Step | undefined => {
  const { authority, nextAuthority, oldAuthority, serving } = kept;
  if (authority === undefined || lifeOf(authority.cert).ends <= now) return "make-authority";
  if (nextAuthority !== undefined && isAnnounced && ageOf(nextAuthority.cert, now) >= announceMilliseconds) {
    return "use-next-authority";
  }
  if (nextAuthority === undefined && isAged(authority.cert, now)) return "make-next-authority";
  if (serving === undefined || isAged(serving.cert, now)) return "make-serving";
  const isAdopted = ageOf(serving.cert, now) >= adoptMilliseconds;
  return oldAuthority !== undefined && isAdopted ? "drop-old-authority" : undefined;
};
