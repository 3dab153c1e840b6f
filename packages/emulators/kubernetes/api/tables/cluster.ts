/** Tables of the core group, of events, leases, endpoint slices and network policies. */

import type { KubernetesObject } from "../../ports.ts";
import { at, numberAt, objectAt, objectsAt, stringAt, stringMapAt, stringsAt } from "../json.ts";
import { formatSelector } from "../store/label-selector.ts";
import { ageOf } from "../time.ts";
import { AGE, ageCell, labelCell, NAME, nameCell, orNone, wide } from "./cells.ts";
import type { TableOf } from "./columns.ts";

const nodes: TableOf = {
  columns: [
    NAME,
    { name: "Status" },
    { name: "Roles" },
    AGE,
    { name: "Version" },
    wide("Internal-IP"),
    wide("External-IP"),
    wide("OS-Image"),
    wide("Kernel-Version"),
    wide("Container-Runtime"),
  ],
  cells: (node, nowMs) => {
    const info = (field: string) => stringAt(node, "status", "nodeInfo", field);
    return [
      nameCell(node),
      nodeStatus(node),
      nodeRoles(node),
      ageCell(node, nowMs),
      info("kubeletVersion") ?? "",
      address(node, "InternalIP"),
      address(node, "ExternalIP"),
      info("osImage") ?? "<unknown>",
      info("kernelVersion") ?? "<unknown>",
      info("containerRuntimeVersion") ?? "<unknown>",
    ];
  },
};

function nodeStatus(node: KubernetesObject): string {
  const ready = objectsAt(node, "status", "conditions").find((condition) => condition.type === "Ready");
  const first = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  return at(node, "spec", "unschedulable") === true ? `${first},SchedulingDisabled` : first;
}

function nodeRoles(node: KubernetesObject): string {
  const labels = Object.entries(node.metadata.labels ?? {});
  const prefix = "node-role.kubernetes.io/";
  const roles = labels.flatMap(([key, value]) => {
    if (key.startsWith(prefix)) return [key.slice(prefix.length)];
    return key === "kubernetes.io/role" && value !== "" ? [value] : [];
  });
  return roles.length === 0 ? "<none>" : [...new Set(roles)].toSorted().join(",");
}

function address(node: KubernetesObject, type: string): string {
  const found = objectsAt(node, "status", "addresses").find((entry) => entry.type === type);
  return orNone(stringAt(found, "address"));
}

const services: TableOf = {
  columns: [
    NAME,
    { name: "Type" },
    { name: "Cluster-IP" },
    { name: "External-IP" },
    { name: "Port(s)" },
    AGE,
    wide("Selector"),
  ],
  cells: (service, nowMs) => [
    nameCell(service),
    stringAt(service, "spec", "type") ?? "ClusterIP",
    orNone(stringAt(service, "spec", "clusterIP")),
    externalAddress(service),
    servicePorts(service),
    ageCell(service, nowMs),
    labelCell(stringMapAt(service, "spec", "selector")),
  ],
};

function externalAddress(service: KubernetesObject): string {
  const given = stringsAt(service, "spec", "externalIPs");
  if (stringAt(service, "spec", "type") === "ExternalName") return stringAt(service, "spec", "externalName") ?? "";
  if (stringAt(service, "spec", "type") !== "LoadBalancer") return given.length === 0 ? "<none>" : given.join(",");
  const ingress = objectsAt(service, "status", "loadBalancer", "ingress");
  const names = ingress.map((entry) => stringAt(entry, "ip") ?? stringAt(entry, "hostname") ?? "");
  const all = [...names, ...given].filter((entry) => entry !== "");
  return all.length === 0 ? "<pending>" : all.join(",");
}

function servicePorts(service: KubernetesObject): string {
  const ports = objectsAt(service, "spec", "ports").map((port) => {
    const nodePort = numberAt(port, "nodePort") ?? 0;
    const number = nodePort === 0 ? `${port.port}` : `${port.port}:${nodePort}`;
    return `${number}/${stringAt(port, "protocol") ?? "TCP"}`;
  });
  return ports.length === 0 ? "<none>" : ports.join(",");
}

function count(object: KubernetesObject, ...fields: string[]): number {
  return fields.reduce((sum, field) => sum + Object.keys(objectAt(object, field) ?? {}).length, 0);
}

const events: TableOf = {
  columns: [
    { name: "Last Seen" },
    { name: "Type" },
    { name: "Reason" },
    { name: "Object" },
    wide("Subobject"),
    wide("Source"),
    { name: "Message" },
    wide("First Seen"),
    wide("Count"),
    wide("Name"),
  ],
  cells: (event, nowMs) => {
    // Either view of an event may be shown.
    const about = objectAt(event, "involvedObject") ?? objectAt(event, "regarding");
    const pick = (older: string, newer: string) => stringAt(event, older) ?? stringAt(event, newer);
    const first = pick("firstTimestamp", "deprecatedFirstTimestamp") ?? stringAt(event, "eventTime");
    const last = stringAt(event, "series", "lastObservedTime") ?? pick("lastTimestamp", "deprecatedLastTimestamp");
    const source = objectAt(event, "source") ?? objectAt(event, "deprecatedSource");
    const component = stringAt(source, "component") ?? pick("reportingComponent", "reportingController") ?? "";
    const host = stringAt(source, "host");
    return [
      ageOf(last ?? first ?? event.metadata.creationTimestamp, nowMs),
      stringAt(event, "type") ?? "",
      stringAt(event, "reason") ?? "",
      `${(stringAt(about, "kind") ?? "").toLowerCase()}/${stringAt(about, "name") ?? ""}`,
      stringAt(about, "fieldPath") ?? "",
      host === undefined || host === "" ? component : `${component}, ${host}`,
      (pick("message", "note") ?? "").trim(),
      ageOf(first ?? event.metadata.creationTimestamp, nowMs),
      numberAt(event, "series", "count") ?? numberAt(event, "count") ?? numberAt(event, "deprecatedCount") ?? 1,
      nameCell(event),
    ];
  },
};

const endpoints: TableOf = {
  columns: [NAME, { name: "Endpoints" }, AGE],
  cells: (object, nowMs) => {
    const all = objectsAt(object, "subsets").flatMap((subset) => {
      const addresses = objectsAt(subset, "addresses").map((entry) => stringAt(entry, "ip") ?? "");
      const ports = objectsAt(subset, "ports");
      if (ports.length === 0) return addresses;
      return ports.flatMap((port) => addresses.map((entry) => `${entry}:${port.port}`));
    });
    return [nameCell(object), shortened(all), ageCell(object, nowMs)];
  },
};

const endpointSlices: TableOf = {
  columns: [NAME, { name: "AddressType" }, { name: "Ports" }, { name: "Endpoints" }, AGE],
  cells: (slice, nowMs) => [
    nameCell(slice),
    stringAt(slice, "addressType") ?? "",
    shortened(
      objectsAt(slice, "ports").map((port) => String(port.port ?? "*")),
      "<unset>",
    ),
    shortened(
      objectsAt(slice, "endpoints").flatMap((endpoint) => stringsAt(endpoint, "addresses")),
      "<unset>",
    ),
    ageCell(slice, nowMs),
  ],
};

/** At most three, and how many more. */
function shortened(entries: readonly string[], none = "<none>"): string {
  if (entries.length === 0) return none;
  const more = entries.length > 3 ? ` + ${entries.length - 3} more...` : "";
  return `${entries.slice(0, 3).join(",")}${more}`;
}

/** By collection. */
export const clusterTables: Readonly<Record<string, TableOf>> = {
  "/nodes": nodes,
  "/services": services,
  "/events": events,
  "/endpoints": endpoints,
  "discovery.k8s.io/endpointslices": endpointSlices,
  "/configmaps": {
    columns: [NAME, { name: "Data", type: "string" }, AGE],
    cells: (object, nowMs) => [nameCell(object), count(object, "data", "binaryData"), ageCell(object, nowMs)],
  },
  "/secrets": {
    columns: [NAME, { name: "Type" }, { name: "Data" }, AGE],
    cells: (object, nowMs) => [
      nameCell(object),
      stringAt(object, "type") ?? "",
      count(object, "data"),
      ageCell(object, nowMs),
    ],
  },
  "/namespaces": {
    columns: [NAME, { name: "Status" }, AGE],
    cells: (object, nowMs) => [nameCell(object), stringAt(object, "status", "phase") ?? "", ageCell(object, nowMs)],
  },
  "/serviceaccounts": {
    columns: [NAME, { name: "Secrets" }, AGE],
    cells: (object, nowMs) => [nameCell(object), objectsAt(object, "secrets").length, ageCell(object, nowMs)],
  },
  "coordination.k8s.io/leases": {
    columns: [NAME, { name: "Holder" }, AGE],
    cells: (object, nowMs) => [
      nameCell(object),
      stringAt(object, "spec", "holderIdentity") ?? "",
      ageCell(object, nowMs),
    ],
  },
  "networking.k8s.io/networkpolicies": {
    columns: [NAME, { name: "Pod-Selector" }, AGE],
    cells: (object, nowMs) => [
      nameCell(object),
      formatSelector(objectAt(object, "spec", "podSelector")),
      ageCell(object, nowMs),
    ],
  },
};
