import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { awsNodeManifests, coreDnsManifests } from "@trunkline/emulator-kubernetes/controllers";
import type { ApiAccess, KubernetesObject } from "@trunkline/emulator-kubernetes/ports";
import { parseAllDocuments } from "yaml";

const definitions = fileURLToPath(new URL("../../../deploy/crds", import.meta.url));

/** Reads every object of a folder's YAML files, in the order of the files' names. */
export async function readManifests(folder: string): Promise<readonly KubernetesObject[]> {
  const names = (await readdir(folder))
    .filter((name) => name.endsWith(".yaml") && name !== "kustomization.yaml")
    .sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  return texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject));
}

/** Installs what a cluster has before Trunkline comes: our custom resources, the CNI plugin, and CoreDNS. */
export async function installCluster(api: ApiAccess): Promise<void> {
  const objects = [...(await readManifests(definitions)), ...awsNodeManifests(), ...coreDnsManifests(1)];
  for (const object of objects) await api.create(object);
}
