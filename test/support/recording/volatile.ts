/** What differs from run to run, and by what it is known. The order matters: the first kind that fits takes the text. */
const kinds = {
  // Who asked for an ENI, in its tags.
  intent: /\b[a-z0-9-]+\/i-[0-9a-f]{17}(?:\/[0-9a-z-]+)+\b/,
  uid: /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/,
  digest: /\b[0-9a-f]{64}\b/,
  time: /\b\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?Z| \d\d:\d\d:\d\d GMT)/,
  machine: /\bec2[0-9a-f]{17}\b/,
  mac: /\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/,
  host: /\bip-\d+-\d+-\d+-\d+\.[a-z0-9-]+\.compute\.internal\b/,
  attachment: /\beni-attach-[0-9a-f]{17}\b/,
  association: /\btrunk-assoc-[0-9a-f]{17}\b/,
  reservation: /\br-[0-9a-f]{17}\b/,
  instance: /\bi-[0-9a-f]{17}\b/,
  eni: /\beni-[0-9a-f]{17}\b/,
  rule: /\bsgr-[0-9a-f]{17}\b/,
  group: /\bsg-[0-9a-f]{17}\b/,
  subnet: /\bsubnet-[0-9a-f]{17}\b/,
  vpc: /\bvpc-[0-9a-f]{17}\b/,
  // Neither a range of addresses nor the address that stands for all of them.
  address: /\b(?!0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}\b(?!\/)/,
  // What is made up for names; https://github.com/kubernetes/apimachinery/blob/v0.32.0/pkg/util/rand/rand.go has the letters.
  pod: /\b[bcdfghjklmnpqrstvwxz2456789]{10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b/,
  template: /\b[bcdfghjklmnpqrstvwxz2456789]{10}\b/,
  suffix: /(?<=\b(?:aws-node|kube-api-access|task)-)[bcdfghjklmnpqrstvwxz2456789]{5}\b/,
  vlan: /(?<="vlanId":)\d+/,
} as const;

/** A kind of text that differs from run to run. */
export type VolatileKind = keyof typeof kinds;

/** A text of such a kind. */
export interface VolatileText {
  readonly kind: VolatileKind;
  readonly text: string;
}

const names = Object.keys(kinds) as VolatileKind[];
const any = new RegExp(names.map((name) => `(?<${name}>${kinds[name].source})`).join("|"), "g");

/** Everything in a text that differs from run to run, in order. */
export function volatileIn(text: string): VolatileText[] {
  return [...text.matchAll(any)].map((match) => ({ kind: kindOf(match.groups), text: match[0] }));
}

/** The text with `<kind>` in place of everything that differs from run to run. */
export function withoutVolatile(text: string): string {
  return text.replaceAll(any, (...args) => `<${kindOf(args.at(-1) as Record<string, string | undefined>)}>`);
}

function kindOf(groups: Record<string, string | undefined> | undefined): VolatileKind {
  const kind = names.find((name) => groups?.[name] !== undefined);
  if (kind === undefined) throw new Error("A match without a kind.");
  return kind;
}
