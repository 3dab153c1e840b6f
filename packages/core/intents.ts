import { branded, type ClusterName, type InstanceId } from "./ids.ts";
import type { Intent } from "./ports.ts";

/** The calls that carry a client token. */
export type TokenStep = "create" | "associate";

/** EC2 refuses longer client tokens. */
export const clientTokenLengthMax = 64;

/** Longer owners than this are shortened in tokens; a pod UID has 36 characters, an instance ID 19. */
const ownerLengthMax = 36;

/**
 * The text that an ENI's intent tag carries: cluster, instance, owner, index, creation time and generation. An ENI that is found by
 * its tag is taken only when all of them match (P06).
 */
export const intentText = (intent: Intent): string =>
  [
    intent.cluster,
    intent.instanceId,
    intent.owner,
    intent.index,
    intent.createdAt.toString(36),
    intent.generation.toString(36),
  ].join("/");

const shape = /^(.{1,128})\/(i-[0-9a-f]{8,17})\/([^/]{1,128})\/(\d{1,2})\/([0-9a-z]{1,11})\/([0-9a-z]{1,6})$/;

/** Reads what {@link intentText} wrote. Undefined: not an intent of ours. */
export const parseIntent = (text: string): Intent | undefined => {
  const [, cluster, instanceId, owner, index, createdAt, generation] = shape.exec(text) ?? [];
  if (cluster === undefined || instanceId === undefined || owner === undefined) return undefined;
  return {
    cluster: branded<ClusterName>(cluster),
    instanceId: branded<InstanceId>(instanceId),
    owner,
    index: Number(index),
    createdAt: Number.parseInt(String(createdAt), 36),
    generation: Number.parseInt(String(generation), 36),
  };
};

/** FNV-1a over 64 bits: spreads long owners over short texts. Not a secret, so it need not resist anybody. */
const digest = (text: string): string => {
  let hash = 0xcbf29ce484222325n;
  for (const character of text) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(character.codePointAt(0) as number)) * 0x100000001b3n);
  }
  return hash.toString(36);
};

/**
 * The client token of one call for an intent: the same for every worker and every repeat, another one for every other intent
 * (P06). It follows from owner, index, creation time, generation and step, and has at most 64 characters.
 *
 * @see https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
 */
export const clientToken = (intent: Intent, step: TokenStep): string => {
  const owner = intent.owner.length <= ownerLengthMax ? intent.owner : `h${digest(intent.owner)}`;
  const numbers = [intent.index, intent.createdAt, intent.generation].map((number) => number.toString(36));
  return [step === "create" ? "c" : "a", owner, ...numbers].join("-");
};
