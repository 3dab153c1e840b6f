import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import {
  guardChangedNode,
  guardChangedPod,
  guardNewPod,
  labelsOfNewPod,
  mutatePod,
  type NodeObject,
  type PodLabels,
  type PodObject,
  type PolicyMatch,
  type StringMap,
  type Verdict,
} from "@trunkline/kubernetes";
import { type Log, textOf } from "../ports/log.ts";

/** See https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request */
export interface AdmissionRequest {
  readonly uid: string;
  readonly operation?: string;
  readonly namespace?: string;
  readonly userInfo?: { readonly username?: string };
  readonly object?: unknown;
  readonly oldObject?: unknown;
}

export interface AdmissionOptions {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly host: string;
  readonly log: Log;
  /** True when the policies are known; before that every request is answered with 503. */
  readonly isReady: () => boolean;
  /** The pod's policies; with the labels of its ServiceAccount when the copy may lack it. */
  readonly match: (pod: PodLabels, serviceAccountLabels?: StringMap) => PolicyMatch;
  /** Asks the API server for the labels of a ServiceAccount. */
  readonly lookUpServiceAccount: (namespace: string, name: string) => Promise<StringMap | undefined>;
}

export interface AdmissionServer {
  readonly port: number;
  /** Takes a renewed certificate for the connections from now on. */
  renew(certificate: { readonly key: string; readonly cert: string }): void;
  stop(): Promise<void>;
}

/** etcd holds objects of 1.5 MB, and a review of a change carries two. */
const bodyBytesMax = 4 * 1024 * 1024;
const requestTimeoutMilliseconds = 10_000;

/** Serves the admission webhooks, `/healthz` and `/readyz` over HTTPS. */
export const startAdmission = async (options: AdmissionOptions): Promise<AdmissionServer> => {
  const server = createServer({ key: options.key, cert: options.cert }, (request, response) => {
    serve(request, response, options).catch((problem: unknown) => {
      options.log("warn", "An admission request failed.", { path: request.url, problem: textOf(problem) });
      reply(response, 500, { message: "internal error" });
    });
  });
  server.requestTimeout = requestTimeoutMilliseconds;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: portOf(server),
    renew: (certificate) => server.setSecureContext(certificate),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
};

const serve = async (request: IncomingMessage, response: ServerResponse, options: AdmissionOptions): Promise<void> => {
  const path = request.url?.split("?")[0] ?? "";
  if (path === "/healthz") return reply(response, 200, { status: "ok" });
  if (path === "/readyz") return reply(response, options.isReady() ? 200 : 503, { ready: options.isReady() });
  if (!isHook(path)) return reply(response, 404, { message: "not found" });
  if (request.method !== "POST") return reply(response, 405, { message: "only POST" });
  if (!options.isReady()) return reply(response, 503, { message: "the policies are not known yet" });
  const body = await readBody(request);
  if (body === undefined) return reply(response, 413, { message: `at most ${bodyBytesMax} bytes` });
  const review = parseReview(body);
  if (review === undefined) return reply(response, 400, { message: "not an AdmissionReview of admission.k8s.io/v1" });
  reply(response, 200, answerOf(review.uid, await judge(path, review, options)));
};

const hooks = ["/mutate-v1-pod", "/validate-v1-pod", "/validate-v1-node"] as const;
type Hook = (typeof hooks)[number];
const isHook = (path: string): path is Hook => (hooks as readonly string[]).includes(path);

/** The verdict on one request; a hook that was called for an operation that it has no rule for lets it pass. */
export const judge = async (
  hook: Hook,
  request: AdmissionRequest,
  options: Pick<AdmissionOptions, "match" | "lookUpServiceAccount">,
): Promise<Verdict> => {
  const user = request.userInfo?.username ?? "";
  const pass: Verdict = { allowed: true, patch: [] };
  switch (hook) {
    case "/mutate-v1-pod":
      if (request.operation !== "CREATE") return pass;
      return mutate((request.object ?? {}) as PodObject, request.namespace ?? "", options);
    case "/validate-v1-pod":
      if (request.operation === "CREATE") return guardNewPod((request.object ?? {}) as PodObject);
      if (request.operation !== "UPDATE") return pass;
      return guardChangedPod((request.oldObject ?? {}) as PodObject, (request.object ?? {}) as PodObject, user);
    case "/validate-v1-node":
      if (request.operation !== "UPDATE") return pass;
      return guardChangedNode((request.oldObject ?? {}) as NodeObject, (request.object ?? {}) as NodeObject, user);
  }
};

/** A ServiceAccount that was created a moment before the pod may be missing from the copy: then the API server is asked. */
const mutate = async (
  pod: PodObject,
  namespace: string,
  { match, lookUpServiceAccount }: Pick<AdmissionOptions, "match" | "lookUpServiceAccount">,
): Promise<Verdict> => {
  const verdict = mutatePod(pod, namespace, match);
  if (verdict.allowed) return verdict;
  const { namespace: podNamespace, serviceAccountName } = labelsOfNewPod(pod, namespace);
  const labels = await lookUpServiceAccount(podNamespace, serviceAccountName);
  return labels === undefined ? verdict : mutatePod(pod, namespace, (found) => match(found, labels));
};

const answerOf = (uid: string, verdict: Verdict) => ({
  apiVersion: "admission.k8s.io/v1",
  kind: "AdmissionReview",
  response: verdict.allowed
    ? {
        uid,
        allowed: true,
        ...(verdict.patch.length === 0
          ? {}
          : { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(verdict.patch)).toString("base64") }),
      }
    : { uid, allowed: false, status: { code: 403, reason: "Forbidden", message: verdict.reason } },
});

/** Undefined when the body is too long; what is left of it is not read. */
const readBody = (request: IncomingMessage): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= bodyBytesMax) {
        chunks.push(chunk);
        return;
      }
      request.removeAllListeners("data");
      request.pause();
      resolve(undefined);
    });
    request.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    request.on("error", reject);
  });

const parseReview = (body: string): AdmissionRequest | undefined => {
  try {
    const review = JSON.parse(body) as { apiVersion?: unknown; request?: { uid?: unknown } } | null;
    const isReview = review?.apiVersion === "admission.k8s.io/v1" && typeof review.request?.uid === "string";
    return isReview ? (review.request as AdmissionRequest) : undefined;
  } catch {
    return undefined;
  }
};

const reply = (response: ServerResponse, status: number, body: unknown): void => {
  if (response.headersSent) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    // A body that was not read to its end leaves the connection of no use.
    ...(status === 413 ? { connection: "close" } : {}),
  });
  response.end(text);
};
