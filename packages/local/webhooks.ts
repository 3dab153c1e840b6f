import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type KubeConfig, type KubernetesObject, KubernetesObjectApi, PatchStrategy } from "@kubernetes/client-node";
import { generate } from "selfsigned";
import { parseAllDocuments } from "yaml";

/** A key and its self-made certificate, PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Makes a certificate for a server on this machine. It is its own authority. */
export async function selfMadeCertificate(): Promise<Certificate> {
  const made = await generate([{ name: "commonName", value: "trunkline-forwarder" }], {
    keySize: 2048,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 7, ip: "127.0.0.1" },
          { type: 2, value: "localhost" },
        ],
      },
    ],
  });
  return { key: made.private, cert: made.cert };
}

interface WebhookConfiguration extends KubernetesObject {
  webhooks: { clientConfig: { service?: { path?: string }; url?: string; caBundle?: string } }[];
}

const manifest = (name: string) =>
  readFile(fileURLToPath(new URL(`../../deploy/base/${name}.yaml`, import.meta.url)), "utf8");

const objectsOf = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);

/**
 * Installs the guard of the annotation and the webhooks as they are deployed, with one difference: the API server finds the
 * forwarder at a port of this machine and not behind a Service.
 */
export async function installAdmission(
  config: KubeConfig,
  server: { readonly port: number; readonly certificate: Certificate },
): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(config);
  const guards = objectsOf(await manifest("guard"));
  const webhooks = objectsOf(await manifest("webhooks")) as WebhookConfiguration[];
  for (const { webhooks: entries } of webhooks)
    for (const entry of entries)
      entry.clientConfig = {
        url: `https://127.0.0.1:${server.port}${entry.clientConfig.service?.path ?? "/"}`,
        caBundle: Buffer.from(server.certificate.cert).toString("base64"),
      };
  for (const object of [...guards, ...webhooks]) await apply(api, object);
}

async function apply(api: KubernetesObjectApi, object: KubernetesObject): Promise<void> {
  await api.create(object).catch(async (error: { code?: number }) => {
    if (error.code !== 409) throw error;
    await api.patch(object, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch);
  });
}
