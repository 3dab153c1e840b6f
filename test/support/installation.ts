import { type KubernetesEmulator, startKubernetesEmulator } from "@trunkline/emulator-kubernetes";
import type { KubernetesObject } from "@trunkline/emulator-kubernetes/ports";
import { type Kustomization, type Patch, readKustomization } from "./kustomization.ts";

/** An emulated cluster in which a kustomization was installed, and what it holds now. */
export interface Installation {
  /** The objects as the API server shows them, patches and images applied. */
  readonly objects: readonly KubernetesObject[];
  /** Objects whose types the cluster does not know: those of other people's programs. */
  readonly foreign: readonly KubernetesObject[];
  named(kind: string, name: string): KubernetesObject;
}

/**
 * Installs a folder of `deploy/`, with further components, in an emulated cluster that refuses what a real one refuses,
 * unknown fields included.
 *
 * @throws Error with the API server's words when it refuses an object or a patch, and when a patch changes nothing known
 */
export async function install(folder: string, ...components: readonly string[]): Promise<Installation> {
  const parts = await Promise.all([folder, ...components].map(readKustomization));
  const emulator = await startKubernetesEmulator();
  try {
    return await installIn(emulator, {
      objects: parts.flatMap(({ objects }) => objects),
      patches: parts.flatMap(({ patches }) => patches),
      images: parts.flatMap(({ images }) => images),
    });
  } finally {
    await emulator.stop();
  }
}

/** As {@link install}, in a cluster that is there. */
export async function installIn(
  emulator: KubernetesEmulator,
  { objects, patches, images }: Kustomization,
): Promise<Installation> {
  const types = emulator.model.state.types;
  const isKnown = ({ apiVersion, kind }: KubernetesObject) => types.byKind(apiVersion, kind) !== undefined;
  const known = objects.filter(isKnown);
  for (const object of known) await send(emulator, object, { method: "POST", body: withImages(object, images) });
  for (const patch of patches) {
    const object = known.find(
      ({ kind, metadata }) => kind === patch.target.kind && metadata.name === patch.target.name,
    );
    if (object === undefined) throw new Error(`${patch.file} changes no object that is installed`);
    await send(emulator, object, { method: "PATCH", body: patch.body });
  }
  const installed = await Promise.all(known.map((object) => send(emulator, object, { method: "GET" })));
  return {
    objects: installed,
    foreign: objects.filter((object) => !isKnown(object)),
    named: (kind: string, name: string) => {
      const found = installed.find((object) => object.kind === kind && object.metadata.name === name);
      if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
      return found;
    },
  };
}

function withImages(object: KubernetesObject, images: Kustomization["images"]): KubernetesObject {
  const copy = structuredClone(object);
  const spec = copy.spec as { template?: { spec?: { containers?: { image: string }[] } } } | undefined;
  for (const container of spec?.template?.spec?.containers ?? []) {
    const image = images.find(({ name }) => name === container.image);
    if (image !== undefined) container.image = `${image.newName}:${image.newTag}`;
  }
  return copy;
}

const patchType = (body: Patch["body"]) =>
  Array.isArray(body) ? "application/json-patch+json" : "application/strategic-merge-patch+json";

async function send(
  emulator: KubernetesEmulator,
  { apiVersion, kind, metadata }: KubernetesObject,
  { method, body }: { method: "GET" | "POST" | "PATCH"; body?: unknown },
): Promise<KubernetesObject> {
  const type = emulator.model.state.types.byKind(apiVersion, kind);
  if (type === undefined) throw new Error(`there is no type ${kind} of ${apiVersion}`);
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const collection = type.namespaced
    ? `${root}/namespaces/${metadata.namespace}/${type.resource}`
    : `${root}/${type.resource}`;
  const path = method === "POST" ? collection : `${collection}/${metadata.name}`;
  const response = await fetch(`${emulator.url}${path}?fieldValidation=Strict`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    headers: { "content-type": method === "PATCH" ? patchType(body) : "application/json" },
  });
  const answer = (await response.json()) as KubernetesObject & { message?: string };
  if (!response.ok) throw new Error(`${method} ${path}: ${answer.message}`);
  return answer;
}
