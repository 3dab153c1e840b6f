import { isIP } from "node:net";
import type { KubeConfig, KubernetesObject } from "@kubernetes/client-node";
import { generate } from "selfsigned";
import { apply, readDeployed, remove } from "./deployment.ts";

/** A key and its self-made certificate, PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Makes a certificate for a server that is reached at this address or name. It is its own authority. */
export async function selfMadeCertificate(host: string): Promise<Certificate> {
  const made = await generate([{ name: "commonName", value: "trunkline-forwarder" }], {
    keySize: 2048,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "subjectAltName", altNames: [isIP(host) ? { type: 7, ip: host } : { type: 2, value: host }] },
    ],
  });
  return { key: made.private, cert: made.cert };
}

interface WebhookConfiguration extends KubernetesObject {
  webhooks: { clientConfig: { service?: { path?: string } | undefined; url?: string; caBundle?: string } }[];
}

/** Where the API server finds the forwarder, and by which certificate it knows it. */
export interface AdmissionServer {
  /** Where the forwarder listens on this machine; absent: behind its Service, as it is deployed. */
  readonly at?: { readonly host: string; readonly port: number };
  readonly certificate: Certificate;
}

/**
 * Installs the guard of the annotation and the webhooks as they are deployed, but for the certificate, and for where the API server
 * finds the forwarder.
 */
export async function installAdmission(config: KubeConfig, server: AdmissionServer): Promise<void> {
  const webhooks = (await readDeployed("base/webhooks.yaml")) as WebhookConfiguration[];
  const caBundle = Buffer.from(server.certificate.cert).toString("base64");
  const { at } = server;
  for (const { webhooks: entries } of webhooks)
    for (const entry of entries) {
      const { service } = entry.clientConfig;
      const found = at === undefined ? { service } : { url: `https://${at.host}:${at.port}${service?.path ?? "/"}` };
      entry.clientConfig = { ...found, caBundle };
    }
  for (const object of [...(await readDeployed("base/guard.yaml")), ...webhooks]) await apply(config, object);
}

/** Removes what {@link installAdmission} installed: nobody is to ask a forwarder that has ended. */
export async function removeAdmission(config: KubeConfig): Promise<void> {
  for (const file of ["base/webhooks.yaml", "base/guard.yaml"])
    for (const object of await readDeployed(file)) await remove(config, object);
}
