import { z } from "zod";

/** The limits of one instance type, as the generated table takes them. */
export interface TypeLimits {
  readonly interfaces: number;
  readonly branchesMax: number;
  readonly networkCards: number;
  readonly defaultCardInterfaces: number;
}

/** What was read: the limits by type, or what is wrong with the source. */
export type SourceResult =
  | { readonly limits: ReadonlyMap<string, TypeLimits>; readonly notes: readonly string[] }
  | { readonly problems: readonly string[] };

const instanceType = z.string().regex(/^[a-z0-9-]{1,32}\.[a-z0-9-]{1,32}$/);
const positive = z.int().min(1).max(512);

const fullSource = z.record(
  instanceType,
  z
    .object({
      interfaces: positive,
      trunking: z.boolean(),
      branchInterfaces: z.int().min(0).max(120),
      defaultNetworkCardInterfaces: positive,
      networkCards: z.int().min(1).max(64),
    })
    .refine((limits) => limits.trunking === limits.branchInterfaces > 0, "trunking and branchInterfaces disagree")
    .refine(
      (limits) => limits.defaultNetworkCardInterfaces <= limits.interfaces,
      "the default network card has more interfaces than the instance",
    ),
);

const describedSource = z.object({
  InstanceTypes: z.array(
    z.object({
      InstanceType: instanceType,
      NetworkInfo: z.object({
        MaximumNetworkInterfaces: positive,
        MaximumNetworkCards: z.int().min(1).max(64).default(1),
        DefaultNetworkCardIndex: z.int().min(0).max(63).default(0),
        NetworkCards: z
          .array(z.object({ NetworkCardIndex: z.int().min(0).max(63), MaximumNetworkInterfaces: positive }))
          .default([]),
      }),
    }),
  ),
});

type Described = z.infer<typeof describedSource>["InstanceTypes"][number];

/**
 * Reads a table of limits from either of two shapes of JSON.
 *
 * A full table, from type to limits with `branchInterfaces`, replaces what is known. The output of
 * `aws ec2 describe-instance-types` does not tell how many branch ENIs a type takes: it renews the interfaces of
 * the known types, and the types that are new in it are named in a note and left out.
 */
export function readLimitsSource(source: unknown, known: ReadonlyMap<string, TypeLimits>): SourceResult {
  const isDescribed = typeof source === "object" && source !== null && "InstanceTypes" in source;
  return isDescribed ? readDescribed(source, known) : readFull(source);
}

function readFull(source: unknown): SourceResult {
  const parsed = fullSource.safeParse(source);
  if (!parsed.success) {
    return { problems: sentences(parsed.error) };
  }
  const limits = Object.entries(parsed.data).map(([name, type]): [string, TypeLimits] => [
    name,
    {
      interfaces: type.interfaces,
      branchesMax: type.branchInterfaces,
      networkCards: type.networkCards,
      defaultCardInterfaces: type.defaultNetworkCardInterfaces,
    },
  ]);
  return limits.length === 0 ? { problems: ["The table is empty."] } : { limits: new Map(limits), notes: [] };
}

function readDescribed(source: object, known: ReadonlyMap<string, TypeLimits>): SourceResult {
  const parsed = describedSource.safeParse(source);
  if (!parsed.success) {
    return { problems: sentences(parsed.error) };
  }
  const limits = new Map(known);
  const added: string[] = [];
  for (const described of parsed.data.InstanceTypes) {
    const branchesMax = known.get(described.InstanceType)?.branchesMax;
    if (branchesMax === undefined) {
      added.push(described.InstanceType);
    } else {
      limits.set(described.InstanceType, { ...cardsOf(described), branchesMax });
    }
  }
  return { limits, notes: added.map((name) => `${name} is new: EC2 does not tell its branch ENIs; it is left out.`) };
}

function cardsOf({ NetworkInfo: network }: Described): Omit<TypeLimits, "branchesMax"> {
  const card = network.NetworkCards.find(
    ({ NetworkCardIndex }) => NetworkCardIndex === network.DefaultNetworkCardIndex,
  );
  return {
    interfaces: network.MaximumNetworkInterfaces,
    networkCards: network.MaximumNetworkCards,
    defaultCardInterfaces: card?.MaximumNetworkInterfaces ?? network.MaximumNetworkInterfaces,
  };
}

function sentences(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.join(" ")}: ${issue.message}`);
}
