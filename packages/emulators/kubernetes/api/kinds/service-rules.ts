/** Services: defaults, and the cluster addresses and node ports that the API server gives out. */

import type { KubernetesObject, Random } from "../../ports.ts";
import { type JsonObject, numberAt, objectIn, objectsAt, setDefault, stringAt } from "../json.ts";
import type { KindRules } from "../resource-type.ts";
import { type FieldProblem, invalidValue, notSupported, required } from "../statuses.ts";

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const NODE_PORT_FIRST = 30_000;
const NODE_PORT_LAST = 32_767;
const ATTEMPTS_MAX = 1_000;

function hasNodePorts(spec: JsonObject): boolean {
  return spec.type === "NodePort" || spec.type === "LoadBalancer";
}

/** See https://kubernetes.io/docs/concepts/services-networking/service/. */
export const serviceRules: KindRules = {
  setDefaults: (object) => {
    const spec = objectIn(object, "spec");
    setDefault(spec, "type", "ClusterIP");
    setDefault(spec, "sessionAffinity", "None");
    for (const port of objectsAt(spec, "ports")) {
      setDefault(port, "protocol", "TCP");
      setDefault(port, "targetPort", port.port);
    }
    if (spec.type === "ExternalName") return;
    setDefault(spec, "internalTrafficPolicy", "Cluster");
    setDefault(spec, "ipFamilies", ["IPv4"]);
    setDefault(spec, "ipFamilyPolicy", "SingleStack");
    if (hasNodePorts(spec)) setDefault(spec, "externalTrafficPolicy", "Cluster");
    if (spec.type === "LoadBalancer") setDefault(spec, "allocateLoadBalancerNodePorts", true);
  },
  prepareCreate: (object) => {
    object.status = { loadBalancer: {} };
  },
  allocate: allocateService,
  prepareUpdate: (next, old) => {
    // A client that does not know the addresses keeps them.
    for (const field of ["clusterIP", "clusterIPs"]) {
      const before = objectIn(old, "spec")[field];
      if (before !== undefined) setDefault(objectIn(next, "spec"), field, before);
    }
  },
  validate: (object) => {
    const spec = objectIn(object, "spec");
    const type = stringAt(spec, "type") ?? "";
    const problems: FieldProblem[] = [];
    if (!TYPES.includes(type)) problems.push(notSupported("spec.type", type, TYPES));
    const ports = objectsAt(spec, "ports");
    if (ports.length === 0 && spec.clusterIP !== "None" && type !== "ExternalName") {
      problems.push(required("spec.ports"));
    }
    for (const [index, port] of ports.entries()) {
      if (ports.length > 1 && stringAt(port, "name") === undefined) {
        problems.push(required(`spec.ports[${index}].name`));
      }
    }
    return problems;
  },
  validateUpdate: (next, old) => {
    const now = objectIn(next, "spec").clusterIP;
    const before = objectIn(old, "spec").clusterIP;
    if (before === undefined || before === now) return [];
    return [invalidValue("spec.clusterIPs[0]", now, "may not change once set")];
  },
};

/**
 * Gives the service a cluster address in `10.100.0.0/16` (the range of an EKS cluster) and its ports node ports, in
 * place, unless it has them.
 */
function allocateService(service: KubernetesObject, others: readonly KubernetesObject[], random: Random): void {
  const spec = objectIn(service, "spec");
  if (spec.type === "ExternalName") return;
  if ((stringAt(spec, "clusterIP") ?? "") === "") {
    const taken = new Set(others.map((other) => stringAt(other, "spec", "clusterIP")));
    spec.clusterIP = pick(taken, () => `10.100.${Math.floor(random() * 256)}.${1 + Math.floor(random() * 254)}`);
  }
  spec.clusterIPs = [spec.clusterIP];
  if (!hasNodePorts(spec)) return;
  const taken = new Set(
    others.flatMap((other) => objectsAt(other, "spec", "ports").map((port) => numberAt(port, "nodePort"))),
  );
  for (const port of objectsAt(spec, "ports")) {
    if (port.nodePort !== undefined) continue;
    port.nodePort = pick(taken, () => Math.floor(NODE_PORT_FIRST + random() * (NODE_PORT_LAST - NODE_PORT_FIRST + 1)));
  }
}

function pick<T>(taken: Set<T | undefined>, draw: () => T): T {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const drawn = draw();
    if (taken.has(drawn)) continue;
    taken.add(drawn);
    return drawn;
  }
  throw new Error("the range of the services is exhausted");
}
