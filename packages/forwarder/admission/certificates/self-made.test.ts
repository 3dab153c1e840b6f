import { X509Certificate } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import {
  authoritiesIn,
  type CertificateCluster,
  createCertificateCluster,
  day,
  isTrusted,
  minute,
  served,
} from "../../testing/certificate-cluster.ts";
import { lifeOf } from "./pair.ts";

const serverName = "trunkline-forwarder.kube-system.svc";
let cluster: CertificateCluster;

beforeEach(() => {
  cluster = createCertificateCluster();
});

describe("a certificate of the forwarder's own", () => {
  test("is made into the empty Secret, and the API servers are told to trust its authority", async () => {
    const one = cluster.replica();

    expect(one.selfMade.isReady()).toBe(false);
    await one.look();

    expect(one.selfMade.isReady()).toBe(true);
    const bundle = `${cluster.kept("ca.crt")}\n`;
    expect(cluster.bundles()).toEqual([bundle, bundle, undefined, bundle]);
    const certificate = new X509Certificate(served(one));
    expect(certificate.verify(authoritiesIn(cluster.kept("ca.crt"))[0]?.publicKey as never)).toBe(true);
    expect(certificate.subjectAltName).toBe(`DNS:${serverName}, DNS:${serverName}.cluster.local`);
    expect(certificate.ca).toBe(false);
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    expect(authoritiesIn(cluster.kept("ca.crt"))[0]?.ca).toBe(true);
    expect(lifeOf(served(one)).ends).toBe(cluster.now + 90 * day);
    expect(lifeOf(cluster.kept("ca.crt")).ends).toBe(cluster.now + 3_650 * day);
  });

  test("is one for two replicas that find the Secret empty at the same time", async () => {
    const [one, other] = [cluster.replica(), cluster.replica()];

    await Promise.all([one.look(), other.look()]);

    expect(served(one)).toBe(cluster.kept("tls.crt"));
    expect(served(other)).toBe(cluster.kept("tls.crt"));
    expect(one.certificates.length + other.certificates.length).toBe(2);
  });

  test("is taken by a replica that starts later, and looked at each minute without a change", async () => {
    await cluster.replica().look();
    const { version } = cluster.api;
    const later = cluster.replica();
    await later.look();
    await later.look();

    expect(later.certificates).toEqual([cluster.kept("tls.crt")]);
    expect(later.pauses).toEqual([minute, minute]);
    expect(cluster.api.version).toBe(version);
  });

  test("is renewed after two thirds of its life, by the same authority", async () => {
    const one = cluster.replica();
    await one.look();
    const authority = cluster.kept("ca.crt");
    cluster.now += 59 * day;
    await one.look();
    expect(one.certificates).toHaveLength(1);
    cluster.now += 2 * day;
    await one.look();

    expect(one.certificates).toHaveLength(2);
    expect(cluster.kept("ca.crt")).toBe(authority);
    expect(isTrusted(served(one), authority)).toBe(true);
    expect(lifeOf(served(one)).ends).toBe(cluster.now + 90 * day);
  });

  test("is trusted at every moment while its authority is replaced", async () => {
    const [one, other] = [cluster.replica(), cluster.replica()];
    await one.look();
    await other.look();
    const first = cluster.kept("ca.crt");
    cluster.now += 2_440 * day;
    const sizes = new Set<number>();
    let before = cluster.bundles();
    for (let minutes = 0; minutes < 120; minutes += 1) {
      cluster.now += minute;
      for (const looking of minutes % 2 === 0 ? [one, other] : [other, one]) {
        await looking.look();
        for (const bundle of [before, cluster.bundles()].map(([found]) => found)) {
          for (const each of [one, other]) expect(isTrusted(served(each), bundle)).toBe(true);
          sizes.add(authoritiesIn(bundle).length);
        }
        before = cluster.bundles();
      }
    }

    expect([...sizes]).toEqual([1, 2]);
    expect(authoritiesIn(cluster.bundles()[0])).toHaveLength(1);
    expect(cluster.kept("ca.crt")).not.toBe(first);
    expect(cluster.kept("next-ca.crt")).toBe("");
    expect(cluster.kept("old-ca.crt")).toBe("");
    expect(served(one)).toBe(served(other));
  });

  test("is not signed by a new authority before the API servers know that one", async () => {
    const one = cluster.replica();
    await one.look();
    const first = cluster.kept("ca.crt");
    cluster.now += 2_440 * day;
    const configurations = (path: string) => path.startsWith("/apis/admissionregistration");
    cluster.api.failNext(
      ({ method, path }) => method === "PATCH" && configurations(path),
      { status: 403, body: { message: "no" } },
      100,
    );
    for (let looks = 0; looks < 30; looks += 1) {
      cluster.now += minute;
      await one.look();
    }

    expect(cluster.kept("next-ca.crt")).not.toBe("");
    expect(cluster.kept("ca.crt")).toBe(first);
  });

  test("has an authority anew when that one has ended", async () => {
    const one = cluster.replica();
    await one.look();
    const first = cluster.kept("ca.crt");
    cluster.now += 3_651 * day;
    await one.look();

    expect(cluster.kept("ca.crt")).not.toBe(first);
    expect(isTrusted(served(one), cluster.bundles()[0])).toBe(true);
  });
});
