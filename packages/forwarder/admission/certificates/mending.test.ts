import { X509Certificate } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import {
  type CertificateCluster,
  createCertificateCluster,
  day,
  isTrusted,
  minute,
  places,
  served,
  webhook,
} from "../../testing/certificate-cluster.ts";

const serverName = "trunkline-forwarder.kube-system.svc";
let cluster: CertificateCluster;

beforeEach(() => {
  cluster = createCertificateCluster();
});

describe("what somebody breaks is mended at the next look", () => {
  test("a bundle that was taken away", async () => {
    const one = cluster.replica();
    await one.look();
    const [collection, name] = places.mutating;
    cluster.api.put(collection, { metadata: { name }, webhooks: [webhook("mpod.vpc.k8s.aws")] });
    expect(cluster.bundles()[0]).toBeUndefined();
    await one.look();

    expect(cluster.bundles()[0]).toBe(`${cluster.kept("ca.crt")}\n`);
  });

  test.each<[string, Record<string, string>]>([
    ["a key that is none", { "tls.key": "x" }],
    ["a certificate that is none", { "tls.crt": "x" }],
    ["a certificate that is gone", { "tls.crt": "", "tls.key": "" }],
    ["an authority without its key", { "ca.key": "" }],
    ["an empty Secret", { "ca.crt": "", "ca.key": "", "tls.crt": "", "tls.key": "" }],
  ])("%s", async (_, change) => {
    const one = cluster.replica();
    await one.look();
    cluster.put(change);
    await one.look();

    expect(one.certificates).toHaveLength(2);
    expect(isTrusted(served(one), cluster.bundles()[0])).toBe(true);
    expect(new X509Certificate(served(one)).checkHost(serverName)).toBe(serverName);
  });

  test("a certificate of another authority", async () => {
    const one = cluster.replica();
    await one.look();
    const foreign = { "tls.crt": cluster.kept("tls.crt"), "tls.key": cluster.kept("tls.key") };
    cluster.put({ "ca.crt": "", "ca.key": "" });
    await one.look();
    cluster.put(foreign);
    await one.look();

    expect(isTrusted(cluster.kept("tls.crt"), cluster.bundles()[0])).toBe(true);
    expect(cluster.kept("tls.crt")).not.toBe(foreign["tls.crt"]);
  });
});

describe("what cannot be done is told, and tried again", () => {
  test("a Secret that is not there", async () => {
    cluster.api.remove(...places.secret);
    const one = cluster.replica();
    await one.look();

    expect(one.selfMade.isReady()).toBe(false);
    expect(cluster.logged[0]).toContain("(deploy/ brings this Secret, without data)");
    cluster.api.put(places.secret[0], { metadata: { name: places.secret[1], namespace: "kube-system" } });
    await one.look();
    expect(one.selfMade.isReady()).toBe(true);
  });

  test("an API server that refuses or does not answer, with pauses that grow to a minute", async () => {
    cluster.api.failNext(() => true, { status: 403, body: { message: "secrets is forbidden" } }, 4);
    cluster.api.failNext(() => true, new Error("connection refused"), 6);
    const one = cluster.replica();
    for (let looks = 0; looks < 11; looks += 1) await one.look();

    expect(one.pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, minute, minute, minute, minute]);
    expect(cluster.logged.filter((line) => line.includes("secrets is forbidden"))).toHaveLength(4);
    expect(one.selfMade.isReady()).toBe(true);
  });

  test("a Secret that changes at every try", async () => {
    cluster.api.failNext(({ method }) => method === "PATCH", { status: 409, body: {} }, 6);
    const one = cluster.replica();
    await one.look();

    expect(cluster.logged).toEqual([expect.stringContaining("the Secret changes again and again")]);
  });

  test("webhooks that are not installed need no bundle", async () => {
    cluster.api.remove(...places.mutating);
    cluster.api.remove(...places.validating);
    const one = cluster.replica();
    await one.look();

    expect(one.selfMade.isReady()).toBe(true);
  });

  test("nothing is looked at after the stop", async () => {
    const one = cluster.replica();
    await one.look();
    one.selfMade.stop();
    const { length } = cluster.api.requests;
    void one.look();

    expect(cluster.api.requests).toHaveLength(length);
  });
});

test("no key is ever logged", async () => {
  const one = cluster.replica();
  await one.look();
  cluster.now += 61 * day;
  await one.look();

  expect(cluster.logged.length).toBeGreaterThan(0);
  expect(cluster.logged.filter((line) => /PRIVATE|BEGIN/.test(line))).toEqual([]);
});
