import { z } from "zod";
import type { ElectionSettings } from "../lead/election.ts";
import { logLevels } from "../ports/log.ts";

/** How a process ends. */
export interface ShutdownSettings {
  /** How long admission is still served after the replica has said that it is not ready, in seconds: endpoints vanish slowly. */
  readonly drainSeconds: number;
  /** How long outcomes are finished and events are sent, in seconds. The drain runs meanwhile. */
  readonly finishSeconds: number;
}

/** Where `/healthz`, `/readyz` and `/metrics` are served. */
export interface OperationsAddress {
  /** Absent: every address of the pod, IPv4 and IPv6. */
  readonly host?: string | undefined;
  /** 0 takes any free one. */
  readonly port: number;
}

/** A whole number as text, between two limits that its problem names. */
export const wholeNumber = (least: number, most: number) => {
  const sentence = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, sentence)
    .transform(Number)
    .pipe(z.number().min(least, sentence).max(most, sentence));
};

/** The variables of election, operations server, shutdown and log. */
export const operationVariables = {
  POD_NAME: z.string().min(1, "must be the name of this pod").optional(),
  TRUNKLINE_LEASE_SECONDS: wholeNumber(3, 60).default(15),
  TRUNKLINE_LEASE_RENEW_SECONDS: wholeNumber(2, 50).default(10),
  TRUNKLINE_LEASE_RETRY_SECONDS: wholeNumber(1, 10).default(2),
  TRUNKLINE_OPERATIONS_HOST: z.string().min(1, "must be an address to listen on").optional(),
  TRUNKLINE_OPERATIONS_PORT: wholeNumber(0, 65_535).default(8_080),
  TRUNKLINE_SHUTDOWN_DRAIN_SECONDS: wholeNumber(0, 60).default(5),
  TRUNKLINE_SHUTDOWN_SECONDS: wholeNumber(1, 300).default(20),
  TRUNKLINE_LOG_LEVEL: z.enum(logLevels, `must be one of ${logLevels.join(", ")}`).default("info"),
} as const;

type OperationValues = z.output<z.ZodObject<typeof operationVariables>>;

/** What is wrong between variables that are each right. A leader must have stopped before another one may begin. */
export const leaseProblems = (variables: OperationValues): readonly string[] => [
  ...(variables.TRUNKLINE_LEASE_SECONDS > variables.TRUNKLINE_LEASE_RENEW_SECONDS
    ? []
    : ["TRUNKLINE_LEASE_SECONDS must be more than TRUNKLINE_LEASE_RENEW_SECONDS."]),
  ...(variables.TRUNKLINE_LEASE_RENEW_SECONDS >= 2 * variables.TRUNKLINE_LEASE_RETRY_SECONDS
    ? []
    : ["TRUNKLINE_LEASE_RENEW_SECONDS must be at least twice TRUNKLINE_LEASE_RETRY_SECONDS."]),
];

/** The Lease over which the replicas of a cluster vote. */
export const leaseName = { namespace: "kube-system", name: "trunkline-forwarder" } as const;

/** The election's settings. The identity lacks nothing but what tells this process from the one before it. */
export const electionFrom = (variables: OperationValues, identity: string): ElectionSettings => ({
  identity,
  lease: leaseName,
  leaseSeconds: variables.TRUNKLINE_LEASE_SECONDS,
  renewSeconds: variables.TRUNKLINE_LEASE_RENEW_SECONDS,
  retrySeconds: variables.TRUNKLINE_LEASE_RETRY_SECONDS,
});

export const operationsFrom = (variables: OperationValues): OperationsAddress => ({
  host: variables.TRUNKLINE_OPERATIONS_HOST,
  port: variables.TRUNKLINE_OPERATIONS_PORT,
});

export const shutdownFrom = (variables: OperationValues): ShutdownSettings => ({
  drainSeconds: variables.TRUNKLINE_SHUTDOWN_DRAIN_SECONDS,
  finishSeconds: variables.TRUNKLINE_SHUTDOWN_SECONDS,
});
