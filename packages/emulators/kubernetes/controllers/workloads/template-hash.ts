import { canonicalJson, type PodTemplate } from "../objects.ts";

/** The label that tells the pods of one ReplicaSet from those of its siblings. */
export const POD_TEMPLATE_HASH = "pod-template-hash";
/** The label that tells which version of the template a DaemonSet's pod was made from. */
export const CONTROLLER_REVISION_HASH = "controller-revision-hash";

/** The letters of names that the API server makes: no vowels, so no words. */
const SAFE_LETTERS = "bcdfghjklmnpqrstvwxz2456789";
const HASH_LETTERS = 10;

/** FNV-1a over 64 bits. */
function fnv1a(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}

/** A short, safe name for a text: equal texts have equal names. */
export function shortHash(text: string): string {
  let rest = fnv1a(text);
  const letters = BigInt(SAFE_LETTERS.length);
  let name = "";
  while (name.length < HASH_LETTERS) {
    name += SAFE_LETTERS[Number(rest % letters)];
    rest /= letters;
  }
  return name;
}

/** The template without the label that its ReplicaSet adds, as text: equal templates have equal texts. */
export function templateText(template: PodTemplate): string {
  const { [POD_TEMPLATE_HASH]: _hash, ...labels } = template.metadata?.labels ?? {};
  const { creationTimestamp: _none, ...metadata } = template.metadata ?? {};
  return canonicalJson({ metadata: { ...metadata, labels }, spec: template.spec });
}

/** The hash of a pod template that names the ReplicaSet and marks its pods. */
export function templateHash(template: PodTemplate): string {
  return shortHash(templateText(template));
}
