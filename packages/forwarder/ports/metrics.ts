/** What is measured, under which name and with which labels. No label ever holds a name of a pod or a node. */
interface Metric {
  readonly kind: "counter" | "gauge" | "histogram";
  /** One sentence for people. */
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds in seconds; only of histograms. */
  readonly buckets?: readonly number[];
}

const requestBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const podBuckets = [0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 600, 1_800, 3_600];

/**
 * Every metric of the forwarder. Where the meaning is that of a metric of the VPC resource controller or of
 * controller-runtime, with which it is built, the name is the same too, so that existing dashboards work:
 * https://book.kubebuilder.io/reference/metrics-reference and, of the controller's own,
 * https://github.com/aws/amazon-vpc-resource-controller-k8s/blob/b8d425119bdba371202882b808f202c6073a46cc/pkg/k8s/pod/client_wrapper.go#L40,
 * https://github.com/aws/amazon-vpc-resource-controller-k8s/blob/b8d425119bdba371202882b808f202c6073a46cc/pkg/k8s/wrapper.go#L45,
 * https://github.com/aws/amazon-vpc-resource-controller-k8s/blob/b8d425119bdba371202882b808f202c6073a46cc/controllers/crds/cninode_controller.go#L45.
 */
export const metricCatalogue = {
  leader_election_master_status: {
    kind: "gauge",
    help: "1 while this replica leads, else 0.",
    labels: ["name"],
  },
  controller_runtime_webhook_requests_total: {
    kind: "counter",
    help: "Admission requests answered, by webhook path and HTTP status.",
    labels: ["webhook", "code"],
  },
  controller_runtime_webhook_latency_seconds: {
    kind: "histogram",
    help: "Time from an admission request's first byte to its answer.",
    labels: ["webhook"],
    buckets: requestBuckets,
  },
  rest_client_requests_total: {
    kind: "counter",
    help: "Requests to the API server, by method and HTTP status; <error> when there was no answer.",
    labels: ["method", "code"],
  },
  rest_client_request_duration_seconds: {
    kind: "histogram",
    help: "Time that the API server took to answer a request that is no watch.",
    labels: ["verb"],
    buckets: requestBuckets,
  },
  annotate_pod_request_call_count: {
    kind: "counter",
    help: "Requests that write the annotation of a pod, by its key.",
    labels: ["annotate_key"],
  },
  annotate_pod_request_err_count: {
    kind: "counter",
    help: "Requests that write the annotation of a pod and failed, by its key.",
    labels: ["annotate_key"],
  },
  advertise_resource_request_call_count: {
    kind: "counter",
    help: "Requests that write the capacity of a node, by the extended resource.",
    labels: ["resource_name"],
  },
  advertise_resource_request_err_count: {
    kind: "counter",
    help: "Requests that write the capacity of a node and failed, by the extended resource.",
    labels: ["resource_name"],
  },
  recreate_cniNode_call_count: {
    kind: "counter",
    help: "Attempts to create a CNINode again that somebody deleted while its node lived.",
    labels: [],
  },
  recreate_cniNode_err_count: {
    kind: "counter",
    help: "Attempts to create a CNINode again that failed.",
    labels: [],
  },
  trunkline_admission_requests_total: {
    kind: "counter",
    help: "Admission requests, by what was answered: allowed, mutated, refused, invalid, not-ready or failed.",
    labels: ["webhook", "result"],
  },
  trunkline_pod_bound_to_annotated_seconds: {
    kind: "histogram",
    help: "Time from this replica's first sight of a bound pod that asks for branch ENIs to the sight of its annotation.",
    labels: [],
    buckets: podBuckets,
  },
  trunkline_outcomes_total: {
    kind: "counter",
    help: "Outcomes received, by type and by what became of them: applied, expired, unreadable or returned.",
    labels: ["type", "result"],
  },
  trunkline_events_total: {
    kind: "counter",
    help: "Events for the functions, by type and by what became of them: sent, failed (and kept), replaced, expired or dropped.",
    labels: ["type", "result"],
  },
  trunkline_events_waiting: {
    kind: "gauge",
    help: "Events that wait to be sent or are being sent.",
    labels: ["queue"],
  },
  trunkline_queue_reachable: {
    kind: "gauge",
    help: "1 when the queue answered the last time that it was looked at, else 0.",
    labels: ["queue"],
  },
  trunkline_watches_ended_total: {
    kind: "counter",
    help: "Watches that ended, by collection and reason: closed, expired, refused, garbled or silent.",
    labels: ["collection", "reason"],
  },
  trunkline_lists_total: {
    kind: "counter",
    help: "Pages of lists that were asked for, by collection and result: ok, refused or failed.",
    labels: ["collection", "result"],
  },
  trunkline_objects: {
    kind: "gauge",
    help: "Objects in the copies of the cluster.",
    labels: ["collection"],
  },
  trunkline_terms_total: {
    kind: "counter",
    help: "Times that this replica began or ended to lead: elected, lost or resigned.",
    labels: ["change"],
  },
  trunkline_annotation_conflicts_total: {
    kind: "counter",
    help: "Annotations that the API server refused because the pod had changed meanwhile.",
    labels: [],
  },
  trunkline_kubernetes_events_total: {
    kind: "counter",
    help: "Kubernetes events: written, failed (refused, or tried too often) or dropped (too many at once).",
    labels: ["result"],
  },
  trunkline_log_lines_suppressed_total: {
    kind: "counter",
    help: "Log lines that were left out because the same message was repeated too often.",
    labels: [],
  },
  trunkline_build_info: {
    kind: "gauge",
    help: "1, with the version of the forwarder and of Node.",
    labels: ["version", "node_version"],
  },
} as const satisfies Readonly<Record<string, Metric>>;

type Catalogue = typeof metricCatalogue;
type NameOf<Kind extends Metric["kind"]> = {
  [Name in keyof Catalogue]: Catalogue[Name]["kind"] extends Kind ? Name : never;
}[keyof Catalogue];
/** A value for each of a metric's labels. */
export type LabelsOf<Name extends keyof Catalogue> = Readonly<Record<Catalogue[Name]["labels"][number], string>>;

/** Where the forwarder's logic tells what it measures. */
export interface Metrics {
  /** Counts one, or so many. */
  count<Name extends NameOf<"counter">>(name: Name, labels: LabelsOf<Name>, by?: number): void;
  /** Adds a duration in seconds. */
  observe<Name extends NameOf<"histogram">>(name: Name, labels: LabelsOf<Name>, seconds: number): void;
  /** Says what a value is now. */
  set<Name extends NameOf<"gauge">>(name: Name, labels: LabelsOf<Name>, value: number): void;
}

/** Measures nothing. */
export const noMetrics: Metrics = { count: () => {}, observe: () => {}, set: () => {} };
