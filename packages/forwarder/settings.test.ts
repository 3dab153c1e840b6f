import { expect, test } from "vitest";
import { readEnvironment, settingsFrom } from "./settings.ts";

const complete = {
  TRUNKLINE_CLUSTER: "blue",
  TRUNKLINE_POD_EVENTS_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/1/pods",
  TRUNKLINE_NODE_EVENTS_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/1/nodes",
  TRUNKLINE_OUTCOMES_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/1/outcomes",
  AWS_REGION: "eu-west-1",
  TRUNKLINE_ADMISSION_CERT: "/tls/tls.crt",
  TRUNKLINE_ADMISSION_KEY: "/tls/tls.key",
};

test("production's numbers are the default", () => {
  const environment = readEnvironment(complete);

  expect(environment.ok && settingsFrom(environment.value, "replica")).toEqual({
    clusterName: "blue",
    podEventsQueueUrl: "https://sqs.eu-west-1.amazonaws.com/1/pods",
    nodeEventsQueueUrl: "https://sqs.eu-west-1.amazonaws.com/1/nodes",
    outcomesQueueUrl: "https://sqs.eu-west-1.amazonaws.com/1/outcomes",
    admission: {
      port: 8_443,
      certificate: { source: "files", certPath: "/tls/tls.crt", keyPath: "/tls/tls.key" },
    },
    snapshotSeconds: 300,
    outcomeHeldSeconds: 60,
    cooldownSeconds: 60,
    cooldownFloorSeconds: 30,
    excludedNamespaces: ["kube-system"],
    election: {
      identity: "replica",
      lease: { namespace: "kube-system", name: "trunkline-forwarder" },
      leaseSeconds: 15,
      renewSeconds: 10,
      retrySeconds: 2,
    },
    operations: { port: 8_080 },
    shutdown: { drainSeconds: 5, finishSeconds: 20 },
    logLevel: "info",
  });
});

test("excluded namespaces are read with commas and spaces between", () => {
  const environment = readEnvironment({ ...complete, TRUNKLINE_EXCLUDED_NAMESPACES: "kube-system, cert-manager,a" });

  expect(environment.ok && settingsFrom(environment.value, "replica").excludedNamespaces).toEqual([
    "kube-system",
    "cert-manager",
    "a",
  ]);
});

test.each<[string, Record<string, string | undefined>, readonly string[]]>([
  [
    "namespaces that are no names are refused",
    { TRUNKLINE_EXCLUDED_NAMESPACES: "kube-system,,A" },
    ["TRUNKLINE_EXCLUDED_NAMESPACES must be names of namespaces with commas between."],
  ],
  ["a missing variable is named", { TRUNKLINE_CLUSTER: undefined }, ["TRUNKLINE_CLUSTER is not set."]],
  ["a missing Region is named", { AWS_REGION: undefined }, ["AWS_REGION is not set."]],
  [
    "a queue that is no URL is named",
    { TRUNKLINE_OUTCOMES_QUEUE_URL: "outcomes" },
    ["TRUNKLINE_OUTCOMES_QUEUE_URL must be the URL of an SQS queue."],
  ],
  [
    "a number with a unit is named",
    { TRUNKLINE_SNAPSHOT_SECONDS: "300s" },
    ["TRUNKLINE_SNAPSHOT_SECONDS must be a whole number from 1 to 600."],
  ],
  [
    "a number that is too large is named",
    { TRUNKLINE_OUTCOME_HELD_SECONDS: "61" },
    ["TRUNKLINE_OUTCOME_HELD_SECONDS must be a whole number from 1 to 60."],
  ],
  [
    "a source of the certificate that is none is named",
    { TRUNKLINE_ADMISSION_CERTIFICATE: "selfmade" },
    ["TRUNKLINE_ADMISSION_CERTIFICATE must be files or self-made."],
  ],
  [
    "a lease that ends before its leader stops is named",
    { TRUNKLINE_LEASE_SECONDS: "10" },
    ["TRUNKLINE_LEASE_SECONDS must be more than TRUNKLINE_LEASE_RENEW_SECONDS."],
  ],
  [
    "a deadline with room for no second attempt is named",
    { TRUNKLINE_LEASE_RENEW_SECONDS: "3" },
    ["TRUNKLINE_LEASE_RENEW_SECONDS must be at least twice TRUNKLINE_LEASE_RETRY_SECONDS."],
  ],
  [
    "a lease below its floor is named",
    { TRUNKLINE_LEASE_SECONDS: "2" },
    ["TRUNKLINE_LEASE_SECONDS must be a whole number from 3 to 60."],
  ],
  [
    "a level that is none is named",
    { TRUNKLINE_LOG_LEVEL: "verbose" },
    ["TRUNKLINE_LOG_LEVEL must be one of debug, info, warn, error."],
  ],
  [
    "every problem is told",
    { TRUNKLINE_CLUSTER: "", TRUNKLINE_ADMISSION_KEY: undefined },
    ["TRUNKLINE_CLUSTER must be the cluster's name.", "TRUNKLINE_ADMISSION_KEY is not set."],
  ],
])("%s", (_, change, problems) => {
  expect(readEnvironment({ ...complete, ...change })).toEqual({ ok: false, problems });
});

test("a certificate that the replicas make themselves needs no files", () => {
  const { TRUNKLINE_ADMISSION_CERT: _cert, TRUNKLINE_ADMISSION_KEY: _key, ...others } = complete;
  const environment = readEnvironment({ ...others, TRUNKLINE_ADMISSION_CERTIFICATE: "self-made" });

  expect(environment.ok && settingsFrom(environment.value, "replica").admission.certificate).toEqual({
    source: "self-made",
  });
});
