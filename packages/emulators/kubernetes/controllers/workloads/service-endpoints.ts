import type { KubernetesObject } from "../../ports.ts";
import { nameOf, ownedBy, type Pod, type Service, type ServicePort, uidOf } from "../objects.ts";
import { carriesAll } from "../selectors.ts";
import { isFinished, isReady } from "./pods.ts";

/** One pod behind a Service. */
export interface Endpoint {
  pod: Pod;
  address: string;
  ready: boolean;
}

/** The pods behind a Service, in a stable order. Pure. */
export function endpointsOf(service: Service, pods: Iterable<Pod>): Endpoint[] {
  const { selector } = service.spec;
  if (selector === undefined || Object.keys(selector).length === 0) return [];
  const endpoints: Endpoint[] = [];
  for (const pod of pods) {
    const address = pod.status?.podIP;
    const inNamespace = pod.metadata.namespace === service.metadata.namespace;
    if (!inNamespace || address === undefined || isFinished(pod)) continue;
    if (!carriesAll(pod.metadata.labels ?? {}, selector)) continue;
    const serving = isReady(pod) || service.spec.publishNotReadyAddresses === true;
    endpoints.push({ pod, address, ready: serving && pod.metadata.deletionTimestamp === undefined });
  }
  return endpoints.sort((a, b) => (a.address < b.address ? -1 : 1));
}

/** The port of a pod that a port of a Service leads to, or `undefined` when the pod has no port of that name. */
export function targetPort(port: ServicePort, pod: Pod): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === "number") return target;
  const named = pod.spec.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === target);
  return named?.containerPort;
}

function portsFor(service: Service, pod: Pod | undefined) {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = pod === undefined ? port.port : targetPort(port, pod);
    return number === undefined ? [] : [{ name: port.name ?? "", port: number, protocol: port.protocol ?? "TCP" }];
  });
}

function targetRef({ pod }: Endpoint) {
  return { kind: "Pod", namespace: pod.metadata.namespace, name: nameOf(pod), uid: uidOf(pod) };
}

/** The Endpoints object of a Service: https://kubernetes.io/docs/concepts/services-networking/service/#endpoints. */
export function endpointsObject(service: Service, endpoints: Endpoint[]): KubernetesObject {
  const address = (endpoint: Endpoint) => ({
    ip: endpoint.address,
    ...(endpoint.pod.spec.nodeName !== undefined && { nodeName: endpoint.pod.spec.nodeName }),
    targetRef: targetRef(endpoint),
  });
  const ready = endpoints.filter((endpoint) => endpoint.ready).map(address);
  const notReady = endpoints.filter((endpoint) => !endpoint.ready).map(address);
  const subset = {
    ...(ready.length > 0 && { addresses: ready }),
    ...(notReady.length > 0 && { notReadyAddresses: notReady }),
    ports: portsFor(service, endpoints[0]?.pod),
  };
  const { namespace, labels = {} } = service.metadata;
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name: nameOf(service), ...(namespace !== undefined && { namespace }), labels },
    ...(endpoints.length > 0 && { subsets: [subset] }),
  };
}

/** The EndpointSlice of a Service: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/. */
export function endpointSlice(service: Service, endpoints: Endpoint[], name: string): KubernetesObject {
  const { namespace, labels = {} } = service.metadata;
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      labels: {
        ...labels,
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": nameOf(service),
      },
      ownerReferences: [ownedBy(service)],
    },
    addressType: "IPv4",
    ports: portsFor(service, endpoints[0]?.pod),
    endpoints: endpoints.map((endpoint) => ({
      addresses: [endpoint.address],
      conditions: {
        ready: endpoint.ready,
        serving: isReady(endpoint.pod),
        terminating: endpoint.pod.metadata.deletionTimestamp !== undefined,
      },
      ...(endpoint.pod.spec.nodeName !== undefined && { nodeName: endpoint.pod.spec.nodeName }),
      targetRef: targetRef(endpoint),
    })),
  };
}
