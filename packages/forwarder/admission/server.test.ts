import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type AdmissionWorld, dbPod, localhostCertificate, startAdmissionWorld } from "../testing/admission.ts";

const podEni = "vpc.amazonaws.com/pod-eni";
let world: AdmissionWorld;

beforeAll(async () => {
  world = await startAdmissionWorld();
});

beforeEach(() => world.reset());

afterAll(() => world.server.stop());

const send: AdmissionWorld["send"] = (...request) => world.send(...request);
const review: AdmissionWorld["review"] = (...request) => world.review(...request);

describe("the admission server", () => {
  test("mutates a pod that a policy matches", async () => {
    const answer = await review("/mutate-v1-pod", { operation: "CREATE", namespace: "default", object: dbPod() });

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
    const object = { ...dbPod(), metadata: {} };

    expect(await review("/mutate-v1-pod", { operation: "CREATE", namespace: "default", object })).toEqual({
      uid: "u-1",
      allowed: true,
    });
  });

  test("asks the API server for a ServiceAccount that it does not know yet", async () => {
    const late = await review("/mutate-v1-pod", {
      operation: "CREATE",
      namespace: "default",
      object: dbPod({ serviceAccountName: "late" }),
    });

    expect(late.allowed).toBe(true);
    expect(late.patch).toBeDefined();
  });

  test("K38: refuses a new pod with the annotation of an ENI", async () => {
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

  test("K36: denies a pod whose ServiceAccount cannot be read, with the reason", async () => {
    world.lookUp = () => Promise.reject(new Error("connection refused"));
    const object = dbPod({ serviceAccountName: "late" });

    expect(await review("/mutate-v1-pod", { operation: "CREATE", namespace: "default", object })).toMatchObject({
      allowed: false,
      status: { code: 403, message: 'serviceaccounts "late" cannot be read: connection refused' },
    });
    expect(world.logged[0]).toContain("connection refused");
  });

  test.each(["../../secrets/x", "a/b", "A", "", "x".repeat(254)])("asks nobody about the name %j", async (name) => {
    world.lookUp = () => Promise.reject(new Error("was asked"));
    const object = { ...dbPod({ serviceAccountName: "late" }), metadata: { labels: { role: "db" }, namespace: name } };
    const answer = await review("/mutate-v1-pod", { operation: "CREATE", object });

    expect(answer.status?.message).toBe("failed to get matching security groups for the pod: no account");
  });

  test("warns of more groups than the default quota, and refuses more than any interface takes", async () => {
    const labelled = (count: string) => ({ ...dbPod(), metadata: { labels: { role: "db", count } } });
    const six = await review("/mutate-v1-pod", { operation: "CREATE", object: labelled("6") });
    const seventeen = await review("/mutate-v1-pod", { operation: "CREATE", object: labelled("17") });

    expect(six).toMatchObject({ allowed: true, warnings: [expect.stringContaining("6 security groups")] });
    expect(seventeen).toMatchObject({ allowed: false, status: { code: 403, reason: "Forbidden" } });
    expect(seventeen.status?.message).toContain("17 security groups");
  });

  test("K37: answers nothing before the policies are known", async () => {
    world.isReady = false;

    expect((await send("/mutate-v1-pod", "{}")).status).toBe(503);
    expect(world.requests).toEqual(["/mutate-v1-pod not-ready true"]);
  });

  test("counts requests by what became of them", async () => {
    await review("/mutate-v1-pod", { operation: "CREATE", object: dbPod() });
    await review("/mutate-v1-pod", { operation: "CREATE", object: {} });
    await review("/validate-v1-pod", { operation: "CREATE", object: { metadata: { annotations: { [podEni]: "" } } } });
    await review("/validate-v1-node", { operation: "UPDATE", object: {} });
    await send("/validate-v1-pod", "{");

    expect(world.requests).toEqual([
      "/mutate-v1-pod mutated true",
      "/mutate-v1-pod allowed true",
      "/validate-v1-pod refused true",
      "/validate-v1-node invalid true",
      "/validate-v1-pod invalid true",
    ]);
  });

  test("takes a renewed certificate, and keeps the one in use when the halves do not fit", async () => {
    const renewed = await localhostCertificate();

    expect(() => world.server.renew({ key: renewed.key, cert: world.trusted })).toThrow();
    expect((await send("/mutate-v1-pod", "{")).status).toBe(400);
    world.server.renew(renewed);
    world.trusted = renewed.cert;

    expect((await send("/mutate-v1-pod", "{")).status).toBe(400);
  });
});
