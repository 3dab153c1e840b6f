import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { awsNodeManifests, coreDnsManifests } from "@trunkline/emulator-kubernetes/controllers";
import type { ApiAccess, KubernetesObject } from "@trunkline/emulator-kubernetes/ports";
import { parseAllDocuments } from "yaml";

const deploy = (path: string) => fileURLToPath(new URL(`../../../deploy/${path}`, import.meta.url));

/** Reads every object of a folder's YAML files, in the order of the files' names. */
export async function readManifests(folder: string): Promise<readonly KubernetesObject[]> {
  const names = (await readdir(folder))
    .filter((name) => name.endsWith(".yaml") && name !== "kustomization.yaml")
    .sort();
  return (await Promise.all(names.map((name) => readManifest(join(folder, name))))).flat();
}

async function readManifest(path: string): Promise<readonly KubernetesObject[]> {
  const documents = parseAllDocuments(await readFile(path, "utf8"));
  return documents.map((document) => document.toJS() as KubernetesObject);
}

/**
 * Installs what a cluster has before the forwarder comes: our custom resources, the forwarder's account with the
 * rights that are deployed, the CNI plugin, and CoreDNS.
 */
export async function installCluster(api: ApiAccess): Promise<void> {
  const objects = [
    ...(await readManifests(deploy("crds"))),
    ...(await readManifest(deploy("base/rbac.yaml"))),
    ...awsNodeManifests(),
    ...coreDnsManifests(1),
  ];
  for (const object of objects) await api.create(object);
}
