import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createVirtualClock } from "../../testing/virtual-clock.ts";
import { followFiles, readKeyPair } from "./files.ts";
import { firstKeyPair } from "./index.ts";
import { issueAuthority } from "./issue.ts";
import type { KeyPair } from "./pair.ts";

let folder: string;
let renewed: KeyPair[];
let logged: string[];
let stop: () => void;
const clock = createVirtualClock();
const [first, second, third] = await Promise.all([1, 2, 3].map(() => issueAuthority(Date.now())));
const pairs = [first, second, third] as [KeyPair, KeyPair, KeyPair];

/** A pair as the kubelet mounts a Secret: files are links into a folder, which is a link that is exchanged at once. */
const mount = async ({ key, cert }: KeyPair, version: string): Promise<void> => {
  await mkdir(join(folder, version));
  await writeFile(join(folder, version, "tls.key"), key);
  await writeFile(join(folder, version, "tls.crt"), cert);
  await symlink(version, join(folder, "..data_tmp"));
  await rename(join(folder, "..data_tmp"), join(folder, "..data"));
};

const paths = () => ({ certPath: join(folder, "tls.crt"), keyPath: join(folder, "tls.key") });

/** Lets the next look pass, which really reads files. */
const look = async (): Promise<void> => {
  const reads = read.mock.results.length;
  await clock.advance(10_000);
  await vi.waitFor(() => expect(read.mock.results.length).toBeGreaterThan(reads));
  await read.mock.results.at(-1)?.value.catch(() => {});
  await clock.advance(0);
};
const read = vi.fn(() => readKeyPair(paths()));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "certificate-"));
  renewed = [];
  logged = [];
  await mount(pairs[0], "v1");
  for (const name of ["tls.crt", "tls.key"]) await symlink(join("..data", name), join(folder, name));
  stop = followFiles({
    first: pairs[0],
    read,
    renew: (pair) => void renewed.push(pair),
    clock,
    log: (level, message, fields) => void logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
  });
});

afterEach(async () => {
  stop();
  await rm(folder, { recursive: true });
});

describe("a certificate in files", () => {
  test("is taken when its mounted Secret is exchanged, and once", async () => {
    await look();
    expect(renewed).toEqual([]);
    await mount(pairs[1], "v2");
    await look();
    await look();

    expect(renewed).toEqual([pairs[1]]);
    expect(logged).toEqual(["info The admission certificate is renewed. {}"]);
  });

  test.each<[string, () => Promise<void>, RegExp]>([
    ["whose key is of another certificate", () => writeFile(paths().keyPath, pairs[1].key), /key is not that of/],
    [
      "that is half written",
      () => writeFile(paths().certPath, pairs[1].cert.slice(0, 100)),
      /certificate cannot be read/,
    ],
    ["whose key is no key", () => writeFile(paths().keyPath, "x"), /key cannot be read/],
    ["that is gone", () => rm(paths().certPath), /ENOENT/],
  ])("%s is not taken, is told once, and taken when it is whole", async (_, damage, problem) => {
    await damage();
    await look();
    await look();

    expect(renewed).toEqual([]);
    expect(logged).toEqual([expect.stringMatching(problem)]);
    expect(logged.join()).not.toContain(pairs[1].key.slice(30, 60));

    await writeFile(paths().keyPath, pairs[2].key);
    await writeFile(paths().certPath, pairs[2].cert);
    await look();
    expect(renewed).toEqual([pairs[2]]);
  });

  test("is not looked at after the stop", async () => {
    stop();
    await mount(pairs[1], "v2");
    await clock.advance(60_000);

    expect(renewed).toEqual([]);
  });
});

describe("the certificate to begin with", () => {
  test("is that of the files", async () => {
    expect(await firstKeyPair({ source: "files", ...paths() })).toEqual(pairs[0]);
  });

  test.each<[string, () => Promise<void>, RegExp]>([
    ["is missing", () => rm(paths().keyPath), /cannot be used: ENOENT/],
    ["does not fit", () => writeFile(paths().keyPath, pairs[1].key), /cannot be used: the key is not that/],
  ])("ends the start when it %s", async (_, damage, problem) => {
    await damage();

    await expect(firstKeyPair({ source: "files", ...paths() })).rejects.toThrow(problem);
  });
});
