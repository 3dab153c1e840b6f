import { isSuccess, type KubernetesApi, refusalOf } from "../../ports/api.ts";
import { backoffMilliseconds, type ForwarderClock } from "../../ports/clock.ts";
import { type Log, textOf } from "../../ports/log.ts";
import { bundleOf, dataOf, type Kept, nextStep, readKept } from "./kept.ts";
import type { KeyPair } from "./pair.ts";
import { takeStep } from "./take-step.ts";
import { announce, isTrusted, type ServiceName } from "./trust.ts";

export interface SelfMadeOptions {
  readonly api: Pick<KubernetesApi, "request">;
  readonly clock: Pick<ForwarderClock, "now" | "after">;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  /** Takes the certificate to serve. */
  readonly renew: (pair: KeyPair) => void;
}

/** Keeps the certificate. */
export interface SelfMade {
  start(): void;
  stop(): void;
  /** Whether there is a certificate, and the API servers were told to trust it. */
  isReady(): boolean;
}

/** As `deploy/` names them. */
const service: ServiceName = { name: "trunkline-forwarder", namespace: "kube-system" };
const secretPath = `/api/v1/namespaces/${service.namespace}/secrets/trunkline-forwarder-tls`;
const serverName = `${service.name}.${service.namespace}.svc`;
const dnsNames = [serverName, `${serverName}.cluster.local`];

const lookMilliseconds = 60_000;
const backoff = { firstMilliseconds: 500, mostMilliseconds: lookMilliseconds };
/** Steps in one look: an authority that ends, its successor and what follows take four. */
const stepsMax = 6;

/**
 * Makes the admission certificate where nobody else does: an authority and a serving certificate in a Secret that all replicas
 * share, and the authority in both webhook configurations. Whatever is missing or aged is mended at a look each minute.
 *
 * Each change of the Secret is conditional on the version that it was decided on, so that of two replicas that find it
 * empty one makes the certificate and the other takes it.
 */
export const createSelfMade = (options: SelfMadeOptions): SelfMade => {
  const { clock, random, log, renew } = options;
  const trust = { api: options.api, log, service };
  let served = "";
  let isAnnounced = false;
  let isStopped = false;
  let failures = 0;
  let cancel = (): void => {};

  const serve = ({ serving }: Kept): void => {
    if (serving === undefined || serving.cert === served) return;
    renew(serving);
    served = serving.cert;
    log("info", "A certificate of the forwarder's own is served.");
  };

  const look = async (): Promise<void> => {
    try {
      const kept = await keep({ ...options, isTrusted: (bundle) => isTrusted(trust, bundle) });
      if (isStopped) return;
      serve(kept);
      await announce(trust, bundleOf(kept));
      isAnnounced = true;
      failures = 0;
    } catch (problem) {
      failures += 1;
      log("warn", "The admission certificate cannot be looked after.", { problem: textOf(problem) });
    }
    if (isStopped) return;
    const pause = failures === 0 ? lookMilliseconds : backoffMilliseconds(failures, random, backoff);
    cancel = clock.after(pause, () => void look());
  };

  return {
    start: () => void look(),
    stop: () => {
      isStopped = true;
      cancel();
    },
    isReady: () => served !== "" && isAnnounced,
  };
};

interface Keeping extends Pick<SelfMadeOptions, "api" | "clock" | "log"> {
  readonly isTrusted: (bundle: string) => Promise<boolean>;
}

/** Takes the steps that the Secret needs, and answers what it keeps then. Rejects when it cannot be read or changed. */
const keep = async ({ api, clock, log, isTrusted }: Keeping): Promise<Kept> => {
  for (let steps = 0; steps < stepsMax; steps += 1) {
    const answer = await api.request({ method: "GET", path: secretPath });
    if (!isSuccess(answer)) throw new Error(`${refusalOf(answer)} (deploy/ brings this Secret, without data)`);
    const secret = answer.body as Secret;
    const kept = readKept(decoded(secret), dnsNames);
    const now = clock.now();
    const isAnnounced = kept.nextAuthority !== undefined && (await isTrusted(bundleOf(kept)));
    const step = nextStep(kept, now, isAnnounced);
    if (step === undefined) return kept;
    const next = await takeStep(kept, step, { dnsNames, now });
    const written = await api.request({
      method: "PATCH",
      path: secretPath,
      contentType: "application/merge-patch+json",
      body: { metadata: { resourceVersion: secret.metadata.resourceVersion }, data: encodedOf(next) },
    });
    // Another replica was faster: what it wrote is read at the next turn.
    if (written.status === 409) continue;
    if (!isSuccess(written)) throw new Error(refusalOf(written));
    log("info", "The Secret of the admission certificate is changed.", { step });
  }
  throw new Error("the Secret changes again and again");
};

interface Secret {
  readonly metadata: { readonly resourceVersion: string };
  readonly data?: Readonly<Record<string, string>> | null;
}

const decoded = ({ data }: Secret): Record<string, string> =>
  Object.fromEntries(
    Object.entries(data ?? {}).map(([name, value]) => [name, Buffer.from(value, "base64").toString("utf8")]),
  );

const encodedOf = (kept: Kept): Record<string, string | null> =>
  Object.fromEntries(
    Object.entries(dataOf(kept)).map(([name, text]) => [
      name,
      text === null ? null : Buffer.from(text).toString("base64"),
    ]),
  );
