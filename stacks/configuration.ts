import { z } from "zod";

/** A stage's name becomes part of the names of queues, functions and roles. */
const stageName = z.string().regex(/^[a-z][a-z0-9-]{0,15}$/, "a stage is named with up to 16 of a-z, 0-9 and dashes");

const cluster = z.strictObject({
  /** The cluster's name, as in the tag `kubernetes.io/cluster/<name>` of its instances. */
  cluster: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/),
  /** Stands for the cluster in its queues' names. Default: the name, with a dash for what SQS does not take. */
  slug: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .optional(),
  /** Only these security groups are given to pods. */
  securityGroups: z
    .array(z.string().regex(/^sg-[0-9a-f]{8,17}$/))
    .min(1)
    .max(50)
    .optional(),
  /** Only interfaces in these subnets are made. */
  subnets: z
    .array(z.string().regex(/^subnet-[0-9a-f]{8,17}$/))
    .min(1)
    .max(50)
    .optional(),
  /** The most ENIs that the cluster may hold. */
  enisMax: z.int().min(1).max(100_000).optional(),
});

const bucket = z.strictObject({ capacity: z.number().min(1), refillPerSecond: z.number().positive() });

const stage = z.strictObject({
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/),
  /** The table's epoch: give a new one after the table was restored from a backup. */
  epoch: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  clusters: z.array(cluster).min(1).max(100),
  /** Whether cooled branches are given to later pods. Default: true. */
  reuse: z.boolean().optional(),
  /** The account's EC2 buckets where they are not the documented ones, by action. */
  quotas: z.record(z.string().regex(/^[A-Z][A-Za-z]{2,63}$/), bucket).optional(),
  /** Instance types to add or to correct. */
  instanceLimits: z.record(z.string(), z.unknown()).optional(),
  /** Durations in seconds and counts that differ from their defaults, by name. */
  numbers: z.record(z.string(), z.number()).optional(),
});

/** The shape of the configuration. */
export const schema = z.strictObject({ stages: z.record(stageName, stage) });

/** What `trunkline.config.ts` holds. */
export type Configuration = z.input<typeof schema>;

/** One stage, checked, with every cluster's slug. */
export type StageSettings = Omit<z.output<typeof stage>, "clusters"> & {
  readonly stage: string;
  readonly clusters: readonly (z.output<typeof cluster> & { readonly slug: string })[];
};
