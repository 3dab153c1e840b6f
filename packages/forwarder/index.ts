import type { SQSClient } from "@aws-sdk/client-sqs";
import type { KubeConfig } from "@kubernetes/client-node";
import { firstKeyPair, followCertificate } from "./admission/certificates/index.ts";
import { startAdmission } from "./admission/server.ts";
import { createHttpApi } from "./follow/http-api.ts";
import { createForwarder } from "./forwarder.ts";
import { type ForwarderClock, systemClock } from "./ports/clock.ts";
import { createJsonLog, type Log } from "./ports/log.ts";
import { createQueues } from "./ports/queues.ts";
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
  /** Applies and sends what is under way, for a few seconds at most. */
  stop(): Promise<void>;
}

/** Hides a received outcome for longer than it is held, so that nobody else tries it meanwhile. */
const visibilityMarginSeconds = 15;

/**
 * Starts the forwarder: follows the cluster, serves its admission webhooks, applies outcomes.
 *
 * @returns once the server listens; it answers admission requests when `ready` has resolved. Rejects when the port is taken or the
 * files of the certificate cannot be used.
 */
export const startForwarder = async (options: StartOptions): Promise<RunningForwarder> => {
  const { kubeConfig, sqs, settings, clock = systemClock } = options;
  const log = options.log ?? createJsonLog((line) => process.stdout.write(line), clock.now);
  const { host, port, certificate } = settings.admission;
  const first = await firstKeyPair(certificate);
  const api = createHttpApi(kubeConfig);
  const queues = createQueues(
    sqs,
    {
      podEvents: settings.podEventsQueueUrl,
      nodeEvents: settings.nodeEventsQueueUrl,
      outcomes: settings.outcomesQueueUrl,
    },
    settings.outcomeHeldSeconds + visibilityMarginSeconds,
  );
  const forwarder = createForwarder({ api, queues, clock, random: Math.random, log, settings });
  const admission = await startAdmission({
    host,
    port,
    certificate: first,
    log,
    clock,
    isReady: forwarder.isReady,
    match: forwarder.match,
    lookUpServiceAccount: forwarder.lookUpServiceAccount,
  });
  const certificates = followCertificate({
    certificate,
    first,
    api,
    clock,
    random: Math.random,
    log,
    renew: admission.renew,
  });
  const ready = forwarder.start();
  return {
    ready,
    admissionPort: admission.port,
    stop: async () => {
      certificates.stop();
      await forwarder.stop();
      await admission.stop();
      api.close();
    },
  };
};
