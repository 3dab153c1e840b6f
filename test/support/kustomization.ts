import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { KubernetesObject } from "@trunkline/emulator-kubernetes/ports";
import { parseAllDocuments, parse as parseYaml } from "yaml";

/** The folder of everything that is installed in a cluster. */
export const deploy = join(import.meta.dirname, "../../deploy");

/** One change that an overlay or a component makes to an object. */
export interface Patch {
  readonly file: string;
  readonly target: { readonly kind: string; readonly name: string };
  /** The operations of a JSON patch, or the fields of a strategic merge patch. */
  readonly body: unknown;
}

/** What a kustomization comes to, before its patches are applied. */
export interface Kustomization {
  readonly objects: readonly KubernetesObject[];
  readonly patches: readonly Patch[];
  readonly images: readonly { readonly name: string; readonly newName: string; readonly newTag: string }[];
}

interface Written {
  readonly kind: "Kustomization" | "Component";
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly patches?: readonly { readonly path: string; readonly target?: Patch["target"] }[];
  readonly images?: Kustomization["images"];
  readonly configMapGenerator?: readonly { name: string; namespace: string; envs: readonly string[] }[];
}

/** The fields of a kustomization that {@link readKustomization} follows. */
const followed = ["apiVersion", "kind", "resources", "components", "patches", "images", "configMapGenerator"];

/**
 * Reads a folder's kustomization with all that it names, in kustomize's order. Names of generated ConfigMaps get no hash.
 *
 * @throws Error for a file that is not there, and for a field that this reader would pass over
 */
export async function readKustomization(folder: string): Promise<Kustomization> {
  const written = parseYaml(await readFile(join(folder, "kustomization.yaml"), "utf8")) as Written;
  const unknown = Object.keys(written).filter((field) => !followed.includes(field));
  if (unknown.length > 0) throw new Error(`${folder}: this reader does not follow ${unknown.join(", ")}`);
  const parts = [
    ...(await all(written.resources, (path) => readResource(join(folder, path)))),
    ...(await all(written.configMapGenerator, (generator) => generate(folder, generator))),
    ...(await all(written.components, (path) => readKustomization(join(folder, path)))),
  ];
  return {
    objects: parts.flatMap(({ objects }) => objects),
    patches: [
      ...parts.flatMap(({ patches }) => patches),
      ...(await all(written.patches, (patch) => readPatch(folder, patch))),
    ],
    images: [...parts.flatMap(({ images }) => images), ...(written.images ?? [])],
  };
}

/** Every object of a YAML file. */
export async function readObjects(path: string): Promise<readonly KubernetesObject[]> {
  const documents = parseAllDocuments(await readFile(path, "utf8"));
  return documents.map((document) => document.toJS({ maxAliasCount: 0 }) as KubernetesObject);
}

const all = <Entry, Made>(entries: readonly Entry[] | undefined, make: (entry: Entry) => Promise<Made>) =>
  Promise.all((entries ?? []).map(make));

async function readResource(path: string): Promise<Kustomization> {
  const isFolder = await access(join(path, "kustomization.yaml")).then(
    () => true,
    () => false,
  );
  return isFolder ? readKustomization(path) : { objects: await readObjects(path), patches: [], images: [] };
}

async function readPatch(folder: string, { path, target }: { path: string; target?: Patch["target"] }): Promise<Patch> {
  const file = join(folder, path);
  const body: unknown = parseYaml(await readFile(file, "utf8"));
  if (target !== undefined) return { file, target, body };
  const { kind, metadata } = body as KubernetesObject;
  return { file, target: { kind, name: metadata.name ?? "" }, body };
}

async function generate(
  folder: string,
  { name, namespace, envs }: { name: string; namespace: string; envs: readonly string[] },
): Promise<Kustomization> {
  const texts = await Promise.all(envs.map((path) => readFile(join(folder, path), "utf8")));
  const lines = texts.flatMap((text) => text.split("\n")).filter((line) => line !== "" && !line.startsWith("#"));
  const data = Object.fromEntries(lines.map((line) => [line.split("=", 1)[0], line.slice(line.indexOf("=") + 1)]));
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data };
  return { objects: [object], patches: [], images: [] };
}
