import type { SQSClient } from "@aws-sdk/client-sqs";
import type { KubeConfig } from "@kubernetes/client-node";
import { firstKeyPair, followCertificate } from "./admission/certificates/index.ts";
import { startAdmission } from "./admission/server.ts";
import { createHttpApi } from "./follow/http-api.ts";
import { createForwarder, type Forwarder } from "./forwarder.ts";
import { forwarderVersion } from "./lead/leader.ts";
import { countAdmission } from "./operate/admission-metrics.ts";
import { healthChecks, readinessChecks } from "./operate/checks.ts";
import { createMeteredApi } from "./operate/metered-api.ts";
import { createPrometheus } from "./operate/prometheus.ts";
import { createQueueWatch } from "./operate/queue-watch.ts";
import { type OperationsServer, startOperations } from "./operate/server.ts";
import { createPauses, type ForwarderClock, systemClock } from "./ports/clock.ts";
import { createJsonLog, createLimitedLog, type Log } from "./ports/log.ts";
import { createQueueProbe, createQueues } from "./ports/queues.ts";
import type { ForwarderSettings } from "./settings.ts";

export { createHttpApi } from "./follow/http-api.ts";
export { createForwarder, type Forwarder, type ForwarderOptions } from "./forwarder.ts";
export { forwarderVersion } from "./lead/leader.ts";
export type { ApiAnswer, ApiRequest, KubernetesApi, WatchListener } from "./ports/api.ts";
export { type ForwarderClock, systemClock } from "./ports/clock.ts";
export { createJsonLog, type Log } from "./ports/log.ts";
export { createQueues, type EventQueue, type Queues, type ReceivedMessage } from "./ports/queues.ts";
export { type ForwarderEnvironment, type ForwarderSettings, readEnvironment, settingsFrom } from "./settings.ts";

export interface StartOptions {
  readonly kubeConfig: KubeConfig;
  /** Made with `useQueueUrlAsEndpoint: false`, so that its endpoint counts and not the host in a queue's URL. */
  readonly sqs: SQSClient;
  readonly settings: ForwarderSettings;
  /** Default: the machine's time. */
  readonly clock?: ForwarderClock;
  /** Default: JSON lines on standard output. */
  readonly log?: Log;
}

export interface RunningForwarder {
  /** Resolves when the forwarder follows the cluster; rejects when it is stopped before. */
  readonly ready: Promise<void>;
  readonly admissionPort: number;
  /** Absent when the settings name no operations server. */
  readonly operationsPort?: number | undefined;
  /** Whether this replica acts at the moment. */
  isLeader(): boolean;
  /**
   * Says that it is not ready, goes on serving admission for the drain, applies and sends what is under way, gives the lease
   * back, and stops.
   */
  stop(): Promise<void>;
}

/** Hides a received outcome for longer than it is held, so that nobody else tries it meanwhile. */
const visibilityMarginSeconds = 15;
const probeTimeoutMilliseconds = 5_000;
const shutdownDefault = { drainSeconds: 0, finishSeconds: 4 };

/**
 * Starts the forwarder: follows the cluster, serves its admission webhooks, and acts while it leads.
 *
 * @returns once its servers listen; it answers admission requests when `ready` has resolved. Rejects when a port is taken or the
 * files of the certificate cannot be used.
 */
export const startForwarder = async (options: StartOptions): Promise<RunningForwarder> => {
  const { kubeConfig, sqs, settings, clock = systemClock } = options;
  const random = Math.random;
  const { host, port, certificate } = settings.admission;
  const first = await firstKeyPair(certificate);
  const prometheus = createPrometheus();
  const { metrics } = prometheus;
  metrics.set("trunkline_build_info", { version: forwarderVersion, node_version: process.version }, 1);
  const log = createLimitedLog({
    log: options.log ?? createJsonLog((line) => process.stdout.write(line), clock.now),
    clock,
    level: settings.logLevel ?? "info",
    onSuppressed: () => metrics.count("trunkline_log_lines_suppressed_total", {}),
  });
  const http = createHttpApi(kubeConfig);
  const api = createMeteredApi(http, clock, metrics);
  const urls = {
    podEvents: settings.podEventsQueueUrl,
    nodeEvents: settings.nodeEventsQueueUrl,
    outcomes: settings.outcomesQueueUrl,
  };
  const queues = createQueues(sqs, urls, settings.outcomeHeldSeconds + visibilityMarginSeconds);
  const probe = createQueueProbe(sqs, urls, probeTimeoutMilliseconds);
  const queueWatch = createQueueWatch({ probe, clock, random, log, metrics });
  const forwarder = createForwarder({ api, queues, clock, random, log, metrics, settings });
  const admission = await startAdmission({
    host,
    port,
    certificate: first,
    log,
    clock,
    onRequest: countAdmission(metrics),
    isReady: forwarder.isReady,
    match: forwarder.match,
    lookUpServiceAccount: forwarder.lookUpServiceAccount,
  });
  const certificates = followCertificate({ certificate, first, api, clock, random, log, renew: admission.renew });
  let isStopping = false;
  const operations = await serveOperations(settings, {
    health: healthChecks(api),
    readiness: readinessChecks({ forwarder, queueWatch, certificates, isStopping: () => isStopping }),
    prometheus,
    collect: forwarder.measure,
  }).catch(async (problem: unknown) => {
    certificates.stop();
    await admission.stop();
    throw problem;
  });
  log("info", "The forwarder listens.", { admissionPort: admission.port, operationsPort: operations?.port });
  queueWatch.start();
  const ready = forwarder.start();
  return {
    ready,
    admissionPort: admission.port,
    operationsPort: operations?.port,
    isLeader: forwarder.isLeader,
    stop: async () => {
      isStopping = true;
      await retire(forwarder, clock, settings.shutdown ?? shutdownDefault);
      certificates.stop();
      queueWatch.stop();
      await forwarder.stop();
      await admission.stop();
      await operations?.stop();
      prometheus.close();
      http.close();
    },
  };
};

/** The replica hands over while its endpoint vanishes: the API server may call it until then. */
const retire = async (
  forwarder: Forwarder,
  clock: ForwarderClock,
  { drainSeconds, finishSeconds }: NonNullable<ForwarderSettings["shutdown"]>,
): Promise<void> => {
  await Promise.all([createPauses(clock).pause(drainSeconds * 1_000), forwarder.resign(finishSeconds * 1_000)]);
};

const serveOperations = async (
  { operations }: ForwarderSettings,
  served: Omit<Parameters<typeof startOperations>[0], "host" | "port">,
): Promise<OperationsServer | undefined> =>
  operations === undefined ? undefined : await startOperations({ ...operations, ...served });
