import { request } from "node:https";
import { generate } from "selfsigned";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type AdmissionServer, startAdmission } from "./server.ts";

const podEni = "vpc.amazonaws.com/pod-eni";
let server: AdmissionServer;
let cert: string;
let isReady = true;

const certificate = async (): Promise<{ key: string; cert: string }> => {
  const made = await generate([{ name: "commonName", value: "localhost" }], {
    keySize: 2048,
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] },
    ],
  });
  return { key: made.private, cert: made.cert };
};

beforeAll(async () => {
  const made = await certificate();
  cert = made.cert;
  server = await startAdmission({
    ...made,
    host: "127.0.0.1",
    port: 0,
    log: () => {},
    isReady: () => isReady,
    match: ({ labels, serviceAccountName }, late) => {
      if (serviceAccountName === "late" && late === undefined) return { ok: false, problem: "no account" };
      return { ok: true, policies: [], groupIds: labels.role === "db" ? ["sg-1"] : [] };
    },
    lookUpServiceAccount: async (_, name) => (name === "late" ? {} : undefined),
  });
});

beforeEach(() => {
  isReady = true;
});

afterAll(() => server.stop());

const send = (path: string, body?: string, method = body === undefined ? "GET" : "POST") =>
  new Promise<{ status: number; body: Record<string, unknown> }>((resolve, reject) => {
    const options = { host: "127.0.0.1", port: server.port, path, method, ca: cert, servername: "localhost" };
    const outgoing = request(options, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });

const review = async (path: string, admission: object) => {
  const body = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: { uid: "u-1", ...admission } };
  const answer = await send(path, JSON.stringify(body));
  return answer.body.response as { uid: string; allowed: boolean; patch?: string; status?: { message: string } };
};

const pod = (change: object = {}) => ({
  metadata: { labels: { role: "db" } },
  spec: { containers: [{ name: "a" }], ...change },
});

describe("the admission server", () => {
  test("mutates a pod that a policy matches", async () => {
    const answer = await review("/mutate-v1-pod", { operation: "CREATE", namespace: "default", object: pod() });

    expect(answer).toMatchObject({ uid: "u-1", allowed: true, patchType: "JSONPatch" });
    expect(JSON.parse(Buffer.from(answer.patch ?? "", "base64").toString())).toEqual([
      {
        op: "add",
        path: "/spec/containers/0/resources",
        value: { limits: { [podEni]: "1" }, requests: { [podEni]: "1" } },
      },
    ]);
  });

  test("lets a pod pass that no policy matches, without a patch", async () => {
    const object = { ...pod(), metadata: {} };

    expect(await review("/mutate-v1-pod", { operation: "CREATE", namespace: "default", object })).toEqual({
      uid: "u-1",
      allowed: true,
    });
  });

  test("asks the API server for a ServiceAccount that it does not know yet", async () => {
    const late = await review("/mutate-v1-pod", { operation: "CREATE", object: pod({ serviceAccountName: "late" }) });

    expect(late.allowed).toBe(true);
    expect(late.patch).toBeDefined();
  });

  test("refuses a new pod with the annotation of an ENI", async () => {
    const object = { metadata: { annotations: { [podEni]: "[]" } } };

    expect(await review("/validate-v1-pod", { operation: "CREATE", object })).toMatchObject({
      allowed: false,
      status: { code: 403, message: `annotation ${podEni} cannot be set when a pod is created` },
    });
  });

  test.each([
    ["system:serviceaccount:kube-system:vpc-resource-controller", true],
    ["jane", false],
  ])("lets the annotation be changed by %s: %s", async (username, allowed) => {
    const object = { metadata: { annotations: { [podEni]: "[]" } } };
    const admission = { operation: "UPDATE", userInfo: { username }, oldObject: { metadata: {} }, object };

    expect(await review("/validate-v1-pod", admission)).toMatchObject({ allowed });
  });

  test("guards nodes from the CNI plugin's user", async () => {
    const userInfo = { username: "system:serviceaccount:kube-system:aws-node" };
    const admission = { operation: "UPDATE", userInfo, oldObject: { spec: {} }, object: { spec: { a: 1 } } };

    expect(await review("/validate-v1-node", admission)).toMatchObject({ allowed: false });
    expect(await review("/validate-v1-node", { ...admission, userInfo: { username: "jane" } })).toMatchObject({
      allowed: true,
    });
  });

  test.each(["/mutate-v1-pod", "/validate-v1-pod", "/validate-v1-node"])(
    "lets an operation pass that %s has no rule for",
    async (path) => {
      expect(await review(path, { operation: "DELETE", object: null })).toEqual({ uid: "u-1", allowed: true });
    },
  );

  test("answers nothing before the policies are known", async () => {
    isReady = false;

    expect((await send("/mutate-v1-pod", "{}")).status).toBe(503);
    expect((await send("/readyz")).status).toBe(503);
    expect((await send("/healthz")).status).toBe(200);
    isReady = true;
    expect((await send("/readyz")).status).toBe(200);
  });

  test.each<[string, string, string | undefined, number]>([
    ["no JSON", "/mutate-v1-pod", "{", 400],
    ["another version", "/mutate-v1-pod", '{"apiVersion":"admission.k8s.io/v1beta1","request":{"uid":"u"}}', 400],
    ["no request", "/mutate-v1-pod", '{"apiVersion":"admission.k8s.io/v1"}', 400],
    ["nothing", "/mutate-v1-pod", "null", 400],
    ["a body that is too long", "/mutate-v1-pod", `"${"x".repeat(5_000_000)}"`, 413],
    ["an unknown path", "/mutate", "{}", 404],
    ["another method", "/mutate-v1-pod", undefined, 405],
  ])("refuses %s", async (_, path, body, status) => {
    expect((await send(path, body)).status).toBe(status);
  });

  test("takes a renewed certificate", async () => {
    const renewed = await certificate();

    server.renew(renewed);
    cert = renewed.cert;

    expect((await send("/healthz")).status).toBe(200);
  });
});
