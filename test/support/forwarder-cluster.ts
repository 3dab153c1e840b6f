import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type KubernetesEmulator,
  type KubernetesEmulatorOptions,
  type KubernetesObject,
  startKubernetesEmulator,
} from "@trunkline/emulator-kubernetes";
import { generate } from "selfsigned";
import { parseAllDocuments } from "yaml";

const deploy = join(import.meta.dirname, "../../deploy");

/** The bearer token of the forwarder's account. */
export const forwarderToken = "forwarder";

/** Every object of a folder of `deploy/`. */
export const readDeployment = async (folder: "crds" | "base"): Promise<readonly KubernetesObject[]> => {
  const names = (await readdir(join(deploy, folder))).filter((name) => name !== "kustomization.yaml").sort();
  const texts = await Promise.all(names.map((name) => readFile(join(deploy, folder, name), "utf8")));
  return texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject));
};

export interface ForwarderClusterOptions extends Pick<KubernetesEmulatorOptions, "onAuthorization"> {
  /** Where the forwarder's Service leads at the moment, if anywhere. */
  readonly admissionPort: () => number | undefined;
  /** Further objects that are there before the forwarder, in the place of those that are deployed under their names. */
  readonly installed?: readonly KubernetesObject[];
}

/** An emulated cluster with the manifests of `deploy/` as they are, but for the certificate's authority. */
export interface ForwarderCluster {
  readonly kubernetes: KubernetesEmulator;
  /** PEM; for the forwarder's Service. */
  readonly certificate: { readonly key: string; readonly cert: string };
  /** Installs webhooks and guard, which would refuse what is created before the forwarder runs. */
  installAdmission(): Promise<void>;
}

export const startForwarderCluster = async (options: ForwarderClusterOptions): Promise<ForwarderCluster> => {
  const { admissionPort, installed = [], ...others } = options;
  const made = await generate([{ name: "commonName", value: "trunkline-forwarder" }], {
    keySize: 2048,
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: "trunkline-forwarder.kube-system.svc" }] },
    ],
  });
  const kubernetes = await startKubernetesEmulator({
    ...others,
    tokens: [{ token: forwarderToken, user: "system:serviceaccount:kube-system:vpc-resource-controller" }],
    resolveService: () => {
      const port = admissionPort();
      return port === undefined ? undefined : { host: "127.0.0.1", port };
    },
  });
  const administrator = kubernetes.api.as("kubernetes-admin");
  const deployed = (await readDeployment("base")).filter(({ kind }) => kind !== "Deployment");
  const isInstalled = (object: KubernetesObject) =>
    installed.some(({ kind, metadata }) => kind === object.kind && metadata.name === object.metadata.name);
  const isAccess = ({ apiVersion, kind }: KubernetesObject) =>
    apiVersion.startsWith("rbac.authorization.k8s.io/") || kind === "ServiceAccount";
  // The forwarder has the rights that are deployed from its first request on.
  for (const object of [...(await readDeployment("crds")), ...deployed.filter(isAccess), ...installed]) {
    await administrator.create(object);
  }
  return {
    kubernetes,
    certificate: { key: made.private, cert: made.cert },
    installAdmission: async () => {
      for (const object of deployed.filter((other) => !isAccess(other) && !isInstalled(other))) {
        const webhooks = (object as { webhooks?: { clientConfig: { caBundle?: string } }[] }).webhooks ?? [];
        for (const { clientConfig } of webhooks) clientConfig.caBundle = Buffer.from(made.cert).toString("base64");
        await administrator.create(object);
      }
    },
  };
};
