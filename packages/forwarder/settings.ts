import { z } from "zod";
import type { CertificateSource } from "./admission/certificates/index.ts";
import type { ElectionSettings } from "./lead/election.ts";
import {
  electionFrom,
  leaseProblems,
  type OperationsAddress,
  operationsFrom,
  operationVariables,
  type ShutdownSettings,
  shutdownFrom,
  wholeNumber,
} from "./operate/settings.ts";
import type { LogLevel } from "./ports/log.ts";

/** What the forwarder is told by its operator. */
export interface ForwarderSettings {
  /** The cluster's name: for tags of CNINodes and for people; queues are what identifies the cluster. */
  readonly clusterName: string;
  readonly podEventsQueueUrl: string;
  readonly nodeEventsQueueUrl: string;
  readonly outcomesQueueUrl: string;
  readonly admission: AdmissionSettings;
  /** How often each instance is told whole, in seconds. */
  readonly snapshotSeconds: number;
  /** How long an outcome is tried, in seconds (P11). */
  readonly outcomeHeldSeconds: number;
  /** Cool-down of a cluster whose ConfigMap names none. */
  readonly cooldownSeconds: number;
  readonly cooldownFloorSeconds: number;
  /** Namespaces that the webhooks leave out, beside `kube-system`, which they always do. Default: none. */
  readonly excludedNamespaces?: readonly string[];
  /** Absent for a forwarder that is alone: it leads as soon as it knows the cluster. */
  readonly election?: ElectionSettings;
  /** Absent where nobody looks at health and metrics. */
  readonly operations?: OperationsAddress;
  /** Absent: no drain, and a few seconds to finish. */
  readonly shutdown?: ShutdownSettings;
  /** Default: info. */
  readonly logLevel?: LogLevel;
}

/** The admission server. */
export interface AdmissionSettings {
  /** Absent: every address of the pod, IPv4 and IPv6. */
  readonly host?: string | undefined;
  /** 0 takes any free one. */
  readonly port: number;
  readonly certificate: CertificateSource;
}

const queueUrl = z.url("must be the URL of an SQS queue");
/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names */
const namespacePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const namespaces = z
  .string()
  .transform((text) => text.split(",").map((name) => name.trim()))
  .refine(
    (names) => names.every((name) => namespacePattern.test(name)),
    "must be names of namespaces with commas between",
  );
const pemPath = z.string().min(1, "must be the path of a PEM file").optional();

/** Every variable that the forwarder reads. `AWS_*` and `KUBECONFIG` are read by their clients too. */
export const environment = z.object({
  TRUNKLINE_CLUSTER: z.string().min(1, "must be the cluster's name"),
  TRUNKLINE_POD_EVENTS_QUEUE_URL: queueUrl,
  TRUNKLINE_NODE_EVENTS_QUEUE_URL: queueUrl,
  TRUNKLINE_OUTCOMES_QUEUE_URL: queueUrl,
  AWS_REGION: z.string().min(1, "must be a Region such as eu-west-1"),
  AWS_ENDPOINT_URL_SQS: z.url("must be a URL").optional(),
  KUBECONFIG: z.string().min(1, "must be the path of a kubeconfig").optional(),
  TRUNKLINE_ADMISSION_HOST: z.string().min(1, "must be an address to listen on").optional(),
  TRUNKLINE_ADMISSION_PORT: wholeNumber(0, 65_535).default(8_443),
  TRUNKLINE_ADMISSION_CERTIFICATE: z.enum(["files", "self-made"], "must be files or self-made").default("files"),
  /** Both are needed for a certificate from files, and not looked at otherwise. */
  TRUNKLINE_ADMISSION_CERT: pemPath,
  TRUNKLINE_ADMISSION_KEY: pemPath,
  TRUNKLINE_SNAPSHOT_SECONDS: wholeNumber(1, 600).default(300),
  TRUNKLINE_OUTCOME_HELD_SECONDS: wholeNumber(1, 60).default(60),
  TRUNKLINE_COOLDOWN_SECONDS: wholeNumber(0, 3_600).default(60),
  TRUNKLINE_COOLDOWN_FLOOR_SECONDS: wholeNumber(0, 3_600).default(30),
  TRUNKLINE_EXCLUDED_NAMESPACES: namespaces.default(["kube-system"]),
  ...operationVariables,
});

export type ForwarderEnvironment = z.output<typeof environment>;

/** The variables, or one clear line for each that is missing or wrong. */
export type EnvironmentResult =
  | { readonly ok: true; readonly value: ForwarderEnvironment }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads the forwarder's variables. Values are never repeated in a problem. */
export const readEnvironment = (variables: Readonly<Record<string, string | undefined>>): EnvironmentResult => {
  const parsed = environment.safeParse(variables);
  const issues = parsed.error?.issues ?? [];
  const problems = issues.map((issue) => {
    const name = String(issue.path[0]);
    return variables[name] === undefined ? `${name} is not set.` : `${name} ${issue.message}.`;
  });
  if (variables.TRUNKLINE_ADMISSION_CERTIFICATE !== "self-made") {
    const paths = ["TRUNKLINE_ADMISSION_CERT", "TRUNKLINE_ADMISSION_KEY"];
    problems.push(...paths.filter((name) => variables[name] === undefined).map((name) => `${name} is not set.`));
  }
  if (parsed.success) problems.push(...leaseProblems(parsed.data));
  if (parsed.success && problems.length === 0) return { ok: true, value: parsed.data };
  return { ok: false, problems: [...new Set(problems)] };
};

const certificateFrom = (variables: ForwarderEnvironment): CertificateSource =>
  variables.TRUNKLINE_ADMISSION_CERTIFICATE === "self-made"
    ? { source: "self-made" }
    : {
        source: "files",
        certPath: variables.TRUNKLINE_ADMISSION_CERT ?? "",
        keyPath: variables.TRUNKLINE_ADMISSION_KEY ?? "",
      };

/**
 * The settings that the variables make.
 *
 * @param identity tells this process from every other one in the election.
 */
export const settingsFrom = (variables: ForwarderEnvironment, identity: string): ForwarderSettings => ({
  clusterName: variables.TRUNKLINE_CLUSTER,
  podEventsQueueUrl: variables.TRUNKLINE_POD_EVENTS_QUEUE_URL,
  nodeEventsQueueUrl: variables.TRUNKLINE_NODE_EVENTS_QUEUE_URL,
  outcomesQueueUrl: variables.TRUNKLINE_OUTCOMES_QUEUE_URL,
  admission: {
    host: variables.TRUNKLINE_ADMISSION_HOST,
    port: variables.TRUNKLINE_ADMISSION_PORT,
    certificate: certificateFrom(variables),
  },
  snapshotSeconds: variables.TRUNKLINE_SNAPSHOT_SECONDS,
  outcomeHeldSeconds: variables.TRUNKLINE_OUTCOME_HELD_SECONDS,
  cooldownSeconds: variables.TRUNKLINE_COOLDOWN_SECONDS,
  cooldownFloorSeconds: variables.TRUNKLINE_COOLDOWN_FLOOR_SECONDS,
  excludedNamespaces: variables.TRUNKLINE_EXCLUDED_NAMESPACES,
  election: electionFrom(variables, identity),
  operations: operationsFrom(variables),
  shutdown: shutdownFrom(variables),
  logLevel: variables.TRUNKLINE_LOG_LEVEL,
});
