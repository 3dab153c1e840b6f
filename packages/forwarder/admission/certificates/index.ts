import type { KubernetesApi } from "../../ports/api.ts";
import type { ForwarderClock } from "../../ports/clock.ts";
import { type Log, textOf } from "../../ports/log.ts";
import { followFiles, type KeyPairPaths, readKeyPair } from "./files.ts";
import { type KeyPair, problemOfPair } from "./pair.ts";
import { createSelfMade } from "./self-made.ts";

export type { KeyPair } from "./pair.ts";

/** Where the certificate of the admission server comes from. */
export type CertificateSource =
  /** Fixed. */
  | ({ readonly source: "given" } & KeyPair)
  /** Mounted files, which somebody else renews. */
  | ({ readonly source: "files" } & KeyPairPaths)
  /** Made by the replicas, kept in a Secret. */
  | { readonly source: "self-made" };

/** The pair to begin with; undefined when it is yet to be made. Rejects when the files have none. */
export const firstKeyPair = async (certificate: CertificateSource): Promise<KeyPair | undefined> => {
  switch (certificate.source) {
    case "given":
      return { key: certificate.key, cert: certificate.cert };
    case "files": {
      const unusable = (problem: string) => new Error(`the admission certificate's files cannot be used: ${problem}`);
      const pair = await readKeyPair(certificate).catch((problem: unknown) => {
        throw unusable(textOf(problem));
      });
      const problem = problemOfPair(pair);
      if (problem !== undefined) throw unusable(problem);
      return pair;
    }
    case "self-made":
      return undefined;
  }
};

export interface CertificateOptions {
  readonly certificate: CertificateSource;
  /** What {@link firstKeyPair} answered. */
  readonly first: KeyPair | undefined;
  readonly api: Pick<KubernetesApi, "request">;
  readonly clock: ForwarderClock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  /** Takes a renewed pair. */
  readonly renew: (pair: KeyPair) => void;
}

/** Looks after the certificate while the forwarder runs. */
export interface Certificates {
  /** Whether there is one to serve with. */
  isReady(): boolean;
  stop(): void;
}

/** Starts to look after the certificate. */
export const followCertificate = (options: CertificateOptions): Certificates => {
  const { certificate, first } = options;
  if (certificate.source === "files" && first !== undefined) {
    const stop = followFiles({ ...options, first, read: () => readKeyPair(certificate) });
    return { isReady: () => true, stop };
  }
  if (certificate.source === "self-made") {
    const selfMade = createSelfMade(options);
    selfMade.start();
    return selfMade;
  }
  return { isReady: () => true, stop: () => {} };
};
