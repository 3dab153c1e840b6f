import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import {
  CoreV1Api,
  type KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  PatchStrategy,
} from "@kubernetes/client-node";
import { parseAllDocuments } from "yaml";

/** The forwarder's account in a cluster: the annotation's guard admits it alone. */
const account = { namespace: "kube-system", name: "vpc-resource-controller" } as const;
/** How long the forwarder's token is good for, in seconds: no local world lives longer. */
const tokenSeconds = 86_400;

/** The objects of a file of `deploy/`. */
export async function readDeployed(path: string): Promise<readonly KubernetesObject[]> {
  const text = await readFile(fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url)), "utf8");
  return parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
}

/** Creates an object, or brings the one that is there in line. */
export async function apply(config: KubeConfig, object: KubernetesObject): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(config);
  await api.create(object).catch(async (error: { code?: number }) => {
    if (error.code !== 409) throw error;
    await api.patch(object, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch);
  });
}

/** Deletes an object, if it is there. */
export async function remove(config: KubeConfig, object: KubernetesObject): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(config);
  await api.delete(object).catch((error: { code?: number }) => {
    if (error.code !== 404) throw error;
  });
}

/**
 * Prepares a real cluster for the forwarder as `kubectl apply -k deploy/…` would: custom resources where there are none,
 * and the forwarder's account with its rights.
 *
 * @returns a token of that account
 */
export async function prepareCluster(config: KubeConfig): Promise<string> {
  const api = KubernetesObjectApi.makeApiClient(config);
  for (const file of ["crds/cninodes.yaml", "crds/securitygrouppolicies.yaml"])
    for (const definition of await readDeployed(file))
      await api.create(definition).catch((error: { code?: number }) => {
        // The cluster's own definition stays as it is.
        if (error.code !== 409) throw error;
      });
  for (const object of await readDeployed("base/rbac.yaml")) await apply(config, object);
  const { status } = await config.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({
    ...account,
    body: {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { audiences: [], expirationSeconds: tokenSeconds },
    },
  });
  if (status?.token === undefined) throw new Error("the API server gave no token for the forwarder");
  return status.token;
}
