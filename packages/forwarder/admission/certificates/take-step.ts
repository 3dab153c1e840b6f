import { issueAuthority, issueCertificate } from "./issue.ts";
import type { Kept, Step } from "./kept.ts";
import { type KeyPair, lifeOf } from "./pair.ts";

export interface StepCircumstances {
  readonly dnsNames: readonly string[];
  /** Epoch milliseconds. */
  readonly now: number;
}

/** The Secret's contents after a step. */
export const takeStep = async (kept: Kept, step: Step, { dnsNames, now }: StepCircumstances): Promise<Kept> => {
  const serve = (authority: KeyPair): Promise<KeyPair> =>
    issueCertificate({ authority, authorityEnds: lifeOf(authority.cert).ends, dnsNames, now });
  switch (step) {
    case "make-authority": {
      const authority = await issueAuthority(now);
      return { authority, nextAuthority: undefined, oldAuthority: undefined, serving: await serve(authority) };
    }
    case "make-next-authority":
      return { ...kept, nextAuthority: await issueAuthority(now) };
    case "use-next-authority": {
      const authority = kept.nextAuthority ?? (await issueAuthority(now));
      const oldAuthority = kept.authority?.cert;
      return { authority, nextAuthority: undefined, oldAuthority, serving: await serve(authority) };
    }
    case "drop-old-authority":
      return { ...kept, oldAuthority: undefined };
    case "make-serving":
      return kept.authority === undefined ? kept : { ...kept, serving: await serve(kept.authority) };
  }
};
