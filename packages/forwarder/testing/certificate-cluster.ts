import { X509Certificate } from "node:crypto";
import { createSelfMade, type SelfMade } from "../admission/certificates/self-made.ts";
import { createFakeApi, type FakeApi, type FakeObject } from "./fake-api.ts";

const group = "/apis/admissionregistration.k8s.io/v1";

/** Collections and names of what holds a certificate that the forwarder makes itself. */
export const places = {
  secret: ["/api/v1/secrets", "trunkline-forwarder-tls"],
  mutating: [`${group}/mutatingwebhookconfigurations`, "vpc-resource-mutating-webhook"],
  validating: [`${group}/validatingwebhookconfigurations`, "vpc-resource-validating-webhook"],
} as const;

export const minute = 60_000;
export const day = 1_440 * minute;

/** A replica whose looks a test sets off one by one. */
export interface Replica {
  readonly selfMade: SelfMade;
  /** What it has served, newest last; PEM. */
  readonly certificates: string[];
  /** Pauses that it has asked for, in milliseconds. */
  readonly pauses: number[];
  /** Looks again, and waits until it has asked for its next pause. */
  look(): Promise<void>;
}

/** A cluster with the Secret as it is shipped and both webhook configurations. */
export interface CertificateCluster {
  readonly api: FakeApi;
  /** Epoch milliseconds. */
  now: number;
  readonly logged: string[];
  replica(): Replica;
  /** A text of the Secret; empty without it. */
  kept(name: string): string;
  /** Changes texts of the Secret. */
  put(change: Readonly<Record<string, string>>): void;
  /** The bundles of all webhooks, PEM. */
  bundles(): (string | undefined)[];
}

const own = { name: "trunkline-forwarder", namespace: "kube-system", path: "/x" };

/** A webhook that calls the forwarder's service, or another one. */
export const webhook = (name: string, service: object = own) => ({ name, clientConfig: { service } });

export const createCertificateCluster = (): CertificateCluster => {
  const api = createFakeApi();
  const put = ([collection, name]: readonly [string, string], object: object): FakeObject =>
    api.put(collection, { metadata: { name, namespace: "kube-system" }, ...object });
  put(places.secret, { type: "Opaque" });
  put(places.mutating, { webhooks: [webhook("mpod.vpc.k8s.aws")] });
  const other = webhook("other.example.com", { ...own, name: "other" });
  put(places.validating, { webhooks: [webhook("vpod.vpc.k8s.aws"), other, webhook("vnode.vpc.k8s.aws")] });
  const data = () => (api.get(...places.secret)?.data ?? {}) as Readonly<Record<string, string>>;
  const cluster: CertificateCluster = {
    api,
    now: Date.parse("2026-11-21T12:00:00Z"),
    logged: [],
    replica: () => createReplica(cluster),
    kept: (name) => Buffer.from(data()[name] ?? "", "base64").toString(),
    put: (change) => {
      const texts = Object.entries(change).map(([name, text]) => [name, Buffer.from(text).toString("base64")]);
      put(places.secret, { data: { ...data(), ...Object.fromEntries(texts) } });
    },
    bundles: () =>
      [places.mutating, places.validating].flatMap((place) => {
        const [collection, name] = place;
        const webhooks = (api.get(collection, name)?.webhooks ?? []) as { clientConfig: { caBundle?: string } }[];
        return webhooks.map(({ clientConfig: { caBundle } }) =>
          caBundle === undefined ? undefined : Buffer.from(caBundle, "base64").toString(),
        );
      }),
  };
  return cluster;
};

const createReplica = (cluster: CertificateCluster): Replica => {
  let pending: (() => void) | undefined;
  let isAsked = (): void => {};
  const certificates: string[] = [];
  const pauses: number[] = [];
  const selfMade = createSelfMade({
    api: cluster.api,
    clock: {
      now: () => cluster.now,
      after: (milliseconds, run) => {
        pauses.push(milliseconds);
        pending = run;
        isAsked();
        return () => {
          pending = undefined;
        };
      },
    },
    random: () => 1,
    log: (level, message, fields) => void cluster.logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
    renew: ({ cert }) => void certificates.push(cert),
  });
  const look = () =>
    new Promise<void>((resolve) => {
      isAsked = resolve;
      if (pauses.length === 0) selfMade.start();
      else pending?.();
    });
  return { selfMade, certificates, pauses, look };
};

/** The authorities of a bundle. */
export const authoritiesIn = (bundle = ""): X509Certificate[] =>
  (bundle.match(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----/g) ?? []).map((pem) => new X509Certificate(pem));

/** Whether an authority of the bundle has signed the certificate. */
export const isTrusted = (cert: string, bundle: string | undefined): boolean =>
  authoritiesIn(bundle).some((authority) => new X509Certificate(cert).verify(authority.publicKey));

/** What a replica serves now; PEM. */
export const served = ({ certificates }: Replica): string => certificates.at(-1) ?? "";
