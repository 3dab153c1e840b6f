/** What a new cluster has from the start. */

import type { ApiAccess, KubernetesObject } from "../ports.ts";
import { SYSTEM_PRIORITIES } from "./admission/plugins.ts";
import { defaultRoles } from "./authorization/bootstrap-roles.ts";

const NAMESPACES = ["default", "kube-node-lease", "kube-public", "kube-system"];
const SERVICE_ADDRESS = "10.100.0.1";

function object(apiVersion: string, kind: string, name: string, rest: object = {}): KubernetesObject {
  return { apiVersion, kind, metadata: { name }, ...rest };
}

/** Creates the namespaces, the default roles, the service of the API server and the system's priority classes. */
export async function bootstrap(api: ApiAccess): Promise<void> {
  for (const name of NAMESPACES) await api.create(object("v1", "Namespace", name));
  for (const role of defaultRoles()) await api.create(role);
  for (const [name, value] of Object.entries(SYSTEM_PRIORITIES)) {
    await api.create(object("scheduling.k8s.io/v1", "PriorityClass", name, { value }));
  }
  const ports = [{ name: "https", port: 443, protocol: "TCP", targetPort: 443 }];
  const service = object("v1", "Service", "kubernetes", { spec: { clusterIP: SERVICE_ADDRESS, ports } });
  service.metadata.namespace = "default";
  service.metadata.labels = { component: "apiserver", provider: "kubernetes" };
  await api.create(service);
}
