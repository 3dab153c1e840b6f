import { generate } from "selfsigned";
import type { KeyPair } from "./pair.ts";

const dayMilliseconds = 86_400_000;
const authorityMilliseconds = 3_650 * dayMilliseconds;
const certificateMilliseconds = 90 * dayMilliseconds;
/** Certificates begin a little before they are made, for API servers whose clocks are behind. */
export const backdateMilliseconds = 5 * 60_000;

const curve = { keyType: "ec", curve: "P-256", algorithm: "sha256" } as const;

/** Makes an authority (ECDSA P-256) that lives for ten years. */
export const issueAuthority = async (now: number): Promise<KeyPair> => {
  const begins = new Date(now - backdateMilliseconds);
  const name = `trunkline-forwarder-ca-${begins.toISOString()}`;
  const made = await generate([{ name: "commonName", value: name }], {
    ...curve,
    notBeforeDate: begins,
    notAfterDate: new Date(now + authorityMilliseconds),
    extensions: [
      { name: "basicConstraints", cA: true, pathLenConstraint: 0, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { key: made.private, cert: made.cert };
};

export interface CertificateWish {
  readonly authority: KeyPair;
  /** When the authority ends, in epoch milliseconds: no certificate of it lives longer. */
  readonly authorityEnds: number;
  /** The first one is the common name. */
  readonly dnsNames: readonly string[];
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Makes a serving certificate (ECDSA P-256) that lives for 90 days. */
export const issueCertificate = async ({
  authority,
  authorityEnds,
  dnsNames,
  now,
}: CertificateWish): Promise<KeyPair> => {
  const made = await generate([{ name: "commonName", value: dnsNames[0] ?? "" }], {
    ...curve,
    ca: authority,
    notBeforeDate: new Date(now - backdateMilliseconds),
    notAfterDate: new Date(Math.min(now + certificateMilliseconds, authorityEnds)),
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: dnsNames.map((value) => ({ type: 2, value })) },
    ],
  });
  return { key: made.private, cert: made.cert };
};
