import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type KubernetesEmulator, startKubernetesEmulator } from "../emulator.ts";
import { configMapManifest } from "../testing.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";

let emulator: KubernetesEmulator;
beforeEach(async () => {
  emulator = await startKubernetesEmulator();
});
afterEach(() => emulator.stop());

const list = async () => (await fetch(`${emulator.url}${CONFIG_MAPS}`)).status;
const create = (name: string) => emulator.api.as("kubernetes-admin").create(configMapManifest(name) as never);

/** Opens a watch and tells what has come of it. */
async function watch(): Promise<{ text: string; ended: string | undefined }> {
  const response = await fetch(`${emulator.url}${CONFIG_MAPS}?watch=true`);
  const heard: { text: string; ended: string | undefined } = { text: "", ended: undefined };
  const read = async () => {
    for await (const chunk of response.body ?? []) heard.text += new TextDecoder().decode(chunk as Uint8Array);
  };
  void read().then(
    () => Object.assign(heard, { ended: "end" }),
    () => Object.assign(heard, { ended: "reset" }),
  );
  return heard;
}

describe("an outage", () => {
  test("ends what is open and refuses connections until the server is back at its port", async () => {
    const heard = await watch();
    emulator.inject({ kind: "outage", durationMs: 200 });
    await vi.waitFor(() => expect(heard.ended).toBe("reset"));
    await expect(list()).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
    await vi.waitFor(async () => expect(await list()).toBe(200));
  });

  test("does not bring a server back that was stopped meanwhile", async () => {
    const other = await startKubernetesEmulator();
    other.inject({ kind: "outage", durationMs: 20 });
    await other.stop();
    await pause(60);
    await expect(fetch(`${other.url}/healthz`)).rejects.toThrow("fetch failed");
  });
});

describe("silence", () => {
  test("takes every byte from the watches under its path, and does not tell their clients", async () => {
    const heard = await watch();
    await create("before");
    await vi.waitFor(() => expect(heard.text).toContain("before"));

    emulator.inject({ kind: "silence", path: "/pods" });
    await create("elsewhere");
    await vi.waitFor(() => expect(heard.text).toContain("elsewhere"));
    emulator.inject({ kind: "silence", path: "/configmaps" });
    await create("after");
    const later = await watch();
    await create("heard");
    await vi.waitFor(() => expect(later.text).toContain("heard"));

    expect(heard.text).not.toContain("after");
    expect(heard.ended).toBeUndefined();
    emulator.dropWatches();
    await vi.waitFor(() => expect(heard.ended).toBe("reset"));
  });
});
