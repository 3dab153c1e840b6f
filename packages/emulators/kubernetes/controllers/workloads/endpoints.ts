import type { ApiAccess, KubernetesObject } from "../../ports.ts";
import { isStatusError } from "../../ports.ts";
import type { Controller, ControlPlane } from "../control-plane.ts";
import { canonicalJson, keyOf, nameOf, type Pod } from "../objects.ts";
import { carriesAll } from "../selectors.ts";
import { endpointSlice, endpointsObject, endpointsOf } from "./service-endpoints.ts";
import { shortHash } from "./template-hash.ts";

const SLICE_SUFFIX_LETTERS = 5;

/** What the endpoints of a Service depend on. */
function appearance(pod: Pod | undefined): string {
  if (pod === undefined) return "";
  const { labels, deletionTimestamp } = pod.metadata;
  const ready = pod.status?.conditions?.find(({ type }) => type === "Ready")?.status;
  return canonicalJson([labels, deletionTimestamp !== undefined, pod.status?.podIP, pod.status?.phase, ready]);
}

/** Writes the object whole, whether it is there or not. */
async function put(api: ApiAccess, object: KubernetesObject): Promise<void> {
  try {
    await api.update(object);
  } catch (error) {
    if (!isStatusError(error, "NotFound")) throw error;
    await api.create(object);
  }
}

/** Keeps the Endpoints and the EndpointSlice of each Service that has a selector. */
export function startEndpointsController(plane: ControlPlane): Controller {
  const { caches } = plane;
  const api = plane.api.as("system:serviceaccount:kube-system:endpointslice-controller");
  const queue = plane.queue(4, reconcile);
  const written = new Map<string, string>();

  caches.services.onChange(({ type, object }) => {
    if (type === "DELETED") written.delete(keyOf(object));
    queue.add(keyOf(object));
  });
  caches.pods.onChange(({ object, previous, type }) => {
    if (type === "MODIFIED" && appearance(object) === appearance(previous)) return;
    for (const service of caches.services.all()) {
      if (service.metadata.namespace !== object.metadata.namespace) continue;
      const concerned = [object, previous].some((pod) =>
        carriesAll(pod?.metadata.labels ?? {}, service.spec.selector ?? {}),
      );
      if (concerned) queue.add(keyOf(service));
    }
  });

  async function reconcile(key: string): Promise<void> {
    const service = caches.services.get(key);
    if (service === undefined) {
      const [goneNamespace = "", name = ""] = key.split("/");
      // The slice goes by its ownerReference; the Endpoints object has none.
      await api.delete({ group: "", resource: "endpoints", namespace: goneNamespace, name }).catch(ignoreNotFound);
      return;
    }
    if (service.metadata.deletionTimestamp !== undefined || service.spec.selector === undefined) return;
    const found = endpointsOf(service, caches.pods.all());
    const sliceName = `${nameOf(service)}-${shortHash(service.metadata.uid ?? "").slice(0, SLICE_SUFFIX_LETTERS)}`;
    const slice = endpointSlice(service, found, sliceName);
    const endpoints = endpointsObject(service, found);
    const text = canonicalJson([slice, endpoints]);
    if (written.get(key) === text) return;
    await put(api, slice);
    await put(api, endpoints);
    written.set(key, text);
  }

  function ignoreNotFound(error: unknown): void {
    if (!isStatusError(error, "NotFound")) throw error;
  }

  return { stop: () => queue.stop() };
}
