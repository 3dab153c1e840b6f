import { type RequestOptions, request } from "node:https";
import { generate } from "selfsigned";
import { type AdmissionOptions, type AdmissionServer, startAdmission } from "../admission/server.ts";
import { systemClock } from "../ports/clock.ts";

const requestTimeoutMilliseconds = 10_000;

/** An admission server on a port of its own, and a client of it. Its policies give pods with role `db` as many groups as their label `count` says. */
export interface AdmissionWorld {
  readonly server: AdmissionServer;
  /** What the server has told of each request: webhook, result, and whether its seconds make sense. */
  readonly requests: string[];
  readonly logged: string[];
  isReady: boolean;
  lookUp: AdmissionOptions["lookUpServiceAccount"];
  /** PEM of the certificate that the client trusts. */
  trusted: string;
  /** Forgets what was told and makes it ready. */
  reset(): void;
  optionsOf(path: string, wish?: RequestWish): RequestOptions;
  send(path: string, body?: string | Buffer, wish?: RequestWish): Promise<SentAnswer>;
  /** Sends a review with what it is about, and answers the response in it. */
  review(path: string, admission: object): Promise<ReviewResponse>;
}

export interface RequestWish {
  readonly method?: string;
  readonly headers?: Record<string, string | number>;
}

export interface SentAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export interface ReviewResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly patch?: string;
  readonly status?: { readonly message: string };
}

/** A key and a certificate for `localhost`. */
export const localhostCertificate = async (): Promise<{ key: string; cert: string }> => {
  const made = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] },
    ],
  });
  return { key: made.private, cert: made.cert };
};

/** An AdmissionReview as a body. */
export const reviewOf = (admission: object): string =>
  JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: { uid: "u-1", ...admission } });

/** A pod of role `db`. */
export const dbPod = (spec: object = {}) => ({
  metadata: { labels: { role: "db" } },
  spec: { containers: [{ name: "a" }], ...spec },
});

const match: AdmissionOptions["match"] = ({ labels, serviceAccountName }, late) => {
  if (serviceAccountName === "late" && late === undefined) return { ok: false, problem: "no account" };
  const groupIds = Array.from({ length: Number(labels.count ?? 1) }, (_, index) => `sg-${index + 1}`);
  return { ok: true, policies: [], groupIds: labels.role === "db" ? groupIds : [] };
};

/** Starts the server, which waits 10 s for a request unless `change` says otherwise. */
export const startAdmissionWorld = async (change: Partial<AdmissionOptions> = {}): Promise<AdmissionWorld> => {
  const certificate = await localhostCertificate();
  const requests: string[] = [];
  const logged: string[] = [];
  const server = await startAdmission({
    certificate,
    host: "127.0.0.1",
    port: 0,
    clock: systemClock,
    log: (level, message, fields) => void logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
    requestTimeoutMilliseconds,
    ...change,
    onRequest: ({ hook, result, seconds }) => void requests.push(`${hook} ${result} ${seconds >= 0 && seconds < 5}`),
    isReady: () => world.isReady,
    match,
    lookUpServiceAccount: (namespace, name) => world.lookUp(namespace, name),
  });
  const world: AdmissionWorld = {
    server,
    requests,
    logged,
    isReady: true,
    lookUp: async () => undefined,
    trusted: certificate.cert,
    reset: () => {
      world.isReady = true;
      world.lookUp = async (_, name) => (name === "late" ? {} : undefined);
      requests.length = 0;
      logged.length = 0;
    },
    optionsOf: (path, { method = "POST", headers } = {}) => ({
      host: "127.0.0.1",
      port: server.port,
      path,
      method,
      ca: world.trusted,
      servername: "localhost",
      headers: { "content-type": "application/json", ...headers },
    }),
    send: (path, body, wish) =>
      new Promise((resolve, reject) => {
        const outgoing = request(world.optionsOf(path, wish), async (response) => {
          let text = "";
          for await (const chunk of response) text += chunk;
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> });
        });
        outgoing.on("error", reject);
        outgoing.end(body);
      }),
    review: async (path, admission) =>
      (await world.send(path, reviewOf(admission))).body.response as unknown as ReviewResponse,
  };
  world.reset();
  return world;
};
