import { createHash } from "node:crypto";
import { cutMessage, type EventText, eventComponent } from "@trunkline/kubernetes";

/** The kinds that events are about, with the versions in which they are read. */
const apiVersions = {
  Pod: "v1",
  Node: "v1",
  CNINode: "vpcresources.k8s.aws/v1alpha1",
  SecurityGroupPolicy: "vpcresources.k8s.aws/v1beta1",
} as const;

/** What an event is about. */
export interface Involved {
  readonly kind: keyof typeof apiVersions;
  /** Empty for nodes and CNINodes. */
  readonly namespace: string;
  readonly name: string;
  /** For a node its name, which is what `kubectl describe node` looks for. */
  readonly uid: string;
}

/** A pod as an event names it. */
export const involvedPod = (pod: { namespace: string; name: string; uid: string }): Involved => ({
  kind: "Pod",
  namespace: pod.namespace,
  name: pod.name,
  uid: pod.uid,
});

/** A node as an event names it. */
export const involvedNode = (nodeName: string): Involved => ({
  kind: "Node",
  namespace: "",
  name: nodeName,
  uid: nodeName,
});

/** A CNINode as an event names it. */
export const involvedCniNode = ({ name, uid }: { name: string; uid: string }): Involved => ({
  kind: "CNINode",
  namespace: "",
  name,
  uid,
});

/** A SecurityGroupPolicy as an event names it. */
export const involvedPolicy = (policy: { namespace: string; name: string; uid: string }): Involved => ({
  kind: "SecurityGroupPolicy",
  namespace: policy.namespace,
  name: policy.name,
  uid: policy.uid,
});

/** Together with a dot and 16 digits the 253 characters that a name may have. */
const nameLengthMax = 236;

/** Where the events about an object live: those about nodes and CNINodes, which have no namespace, in `default`. */
export const eventsPathOf = (involved: Involved): string => `/api/v1/namespaces/${namespaceOf(involved)}/events`;

const namespaceOf = (involved: Involved): string => involved.namespace || "default";

/** What tells an event from another one about the same object: who says the same, says it under the same name. */
export const eventNameOf = (involved: Involved, text: EventText): string => {
  const identity = [involved.kind, involved.uid, text.type, text.reason, text.message].join("\n");
  const digest = createHash("sha256").update(identity).digest("hex").slice(0, 16);
  // Each part between dots must end with a letter or digit, so a cut name may not end with a dot or a hyphen.
  return `${involved.name.slice(0, nameLengthMax).replace(/[-.]+$/, "")}.${digest}`;
};

/**
 * An event of core/v1.
 *
 * @param at epoch milliseconds; events tell whole seconds.
 * @see https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
 */
export const newEvent = (involved: Involved, text: EventText, at: number) => {
  const time = new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { namespace: namespaceOf(involved), name: eventNameOf(involved, text) },
    involvedObject: {
      apiVersion: apiVersions[involved.kind],
      kind: involved.kind,
      name: involved.name,
      uid: involved.uid,
      ...(involved.namespace === "" ? {} : { namespace: involved.namespace }),
    },
    type: text.type,
    reason: text.reason,
    message: cutMessage(text.message),
    source: { component: eventComponent },
    reportingComponent: eventComponent,
    reportingInstance: "",
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
};
