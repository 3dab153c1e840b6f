import { type ControlPlane, nodeIndex } from "../control-plane.ts";
import { nameOf, type Pod, type Service } from "../objects.ts";
import type { Connection, Protocol } from "../programs/program.ts";
import { endpointsOf, targetPort } from "../workloads/service-endpoints.ts";
import type { Attachment } from "./cni.ts";
import { cniAgentOf } from "./cni-settings.ts";

/** A pod with a network, as others reach it. */
export interface Station {
  pod: Pod;
  nodeName: string;
  attachment: Attachment;
  listensOn(port: number, protocol: Protocol): boolean;
}

/** Where a packet goes. */
export interface Destination {
  address: string;
  port: number;
  protocol: Protocol;
}

/** Who reaches whom: security groups, the wiring of branches, Services and DNS. */
export interface Connectivity {
  join(station: Station): void;
  leave(station: Station): void;
  connect(from: Station, to: Destination): Connection;
  /** kubelet on the station's node opens a TCP connection to the station's port. */
  probe(station: Station, nodeAddress: string, port: number): Connection["outcome"];
  resolve(from: Station, host: string): string | undefined;
}

const TIMEOUT: Connection = { outcome: "timeout" };
const DNS_PORT = 53;

/** Names as CoreDNS knows them: `service`, `service.namespace`, `service.namespace.svc.cluster.local`. */
function serviceKey(host: string, namespace: string): string {
  const [service = "", inNamespace = namespace] = host.replace(/\.svc(\.cluster\.local)?\.?$/, "").split(".");
  return `${inNamespace}/${service}`;
}

function servedBy({ pod }: Station): string {
  const labels = pod.metadata.labels ?? {};
  return labels.app ?? labels["app.kubernetes.io/name"] ?? nameOf(pod);
}

/** Makes the directory of one cluster. */
export function createConnectivity(plane: ControlPlane): Connectivity {
  const { caches, network, settings, random } = plane;
  const stations = new Map<string, Set<Station>>();

  function cniOf(nodeName: string) {
    return cniAgentOf(caches.pods.indexed(nodeIndex(nodeName)))?.settings;
  }

  function isWired({ attachment }: Station): boolean {
    return attachment.kind !== "branch" || network.branchIsWired(attachment.binding);
  }

  /**
   * Packets between pods of the node's own addresses never leave the node, so no group sees them. Those of a branch
   * go through its VLAN even to a neighbour, but in mode *standard*.
   */
  function staysOnNode(from: Station, to: Station): boolean {
    if (from.nodeName !== to.nodeName) return false;
    const plain = from.attachment.kind !== "branch" && to.attachment.kind !== "branch";
    return plain || cniOf(to.nodeName)?.enforcingMode === "standard";
  }

  function direct(from: Station, { address, port, protocol }: Destination): Connection {
    if (!isWired(from)) return TIMEOUT;
    const there = [...(stations.get(address) ?? [])];
    const passes = (to: Station) =>
      isWired(to) &&
      (staysOnNode(from, to) ||
        network.reach({ fromAddress: from.attachment.address, toAddress: address, protocol, port }));
    const listening = there.find((station) => station.listensOn(port, protocol));
    if (listening !== undefined) {
      return passes(listening) ? { outcome: "connected", servedBy: servedBy(listening) } : TIMEOUT;
    }
    if (there[0] !== undefined) return passes(there[0]) ? { outcome: "refused" } : TIMEOUT;
    const outside = settings.listeners(address, port);
    if (!outside || !network.reach({ fromAddress: from.attachment.address, toAddress: address, protocol, port })) {
      return TIMEOUT;
    }
    return { outcome: "connected", servedBy: address };
  }

  function behind(service: Service, port: number, protocol: Protocol): Destination[] {
    const found = service.spec.ports?.find(
      (candidate) => candidate.port === port && (candidate.protocol ?? "TCP").toLowerCase() === protocol,
    );
    if (found === undefined) return [];
    return endpointsOf(service, caches.pods.all()).flatMap(({ pod, address, ready }) => {
      const target = targetPort(found, pod);
      return ready && target !== undefined ? [{ address, port: target, protocol }] : [];
    });
  }

  function connect(from: Station, to: Destination): Connection {
    const service = [...caches.services.all()].find(({ spec }) => spec.clusterIP === to.address);
    if (service === undefined) return direct(from, to);
    const endpoints = behind(service, to.port, to.protocol);
    const chosen = endpoints[Math.floor(random() * endpoints.length)];
    // kube-proxy rejects what has no endpoint.
    return chosen === undefined ? { outcome: "refused" } : direct(from, chosen);
  }

  function resolve(from: Station, host: string): string | undefined {
    const dns = caches.services.get("kube-system/kube-dns");
    const servers = dns === undefined ? [] : behind(dns, DNS_PORT, "udp");
    // A resolver asks again, and each time another server may be chosen: one that answers is enough.
    if (!servers.some((server) => direct(from, server).outcome === "connected")) return undefined;
    const service = caches.services.get(serviceKey(host, from.pod.metadata.namespace ?? ""));
    if (service === undefined) return settings.resolveExternal(host);
    if (service.spec.clusterIP !== "None") return service.spec.clusterIP;
    return endpointsOf(service, caches.pods.all()).find(({ ready }) => ready)?.address;
  }

  return {
    connect,
    resolve,
    join(station) {
      const { address } = station.attachment;
      stations.set(address, (stations.get(address) ?? new Set()).add(station));
    },
    leave(station) {
      const { address } = station.attachment;
      const there = stations.get(address);
      there?.delete(station);
      if (there?.size === 0) stations.delete(address);
    },
    probe(station, nodeAddress, port) {
      const { attachment, nodeName } = station;
      const answer = station.listensOn(port, "tcp") ? "connected" : "refused";
      if (attachment.kind !== "branch") return answer;
      if (!isWired(station)) return "timeout";
      const cni = cniOf(nodeName);
      if (cni?.enforcingMode === "standard") return answer;
      // Without it the kernel of the node drops the answers that come back through the VLAN device.
      if (cni?.earlyDemuxDisabled === false) return "timeout";
      const flow = { fromAddress: nodeAddress, toAddress: attachment.address, protocol: "tcp" as const, port };
      return network.reach(flow) ? answer : "timeout";
    },
  };
}
