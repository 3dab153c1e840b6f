/** Logs of containers. See https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-read-log-of-the-specified-pod. */

import type { KubernetesObject, LogSource } from "../../ports.ts";
import { objectAt, objectsAt, stringAt } from "../json.ts";
import type { ApiState } from "../requests/context.ts";
import { readObject } from "../requests/read.ts";
import type { ResourceType } from "../resource-type.ts";
import { badRequest } from "../statuses.ts";
import type { HttpExchange } from "./exchange.ts";

/** Which pod's logs. */
export interface LogRequest {
  type: ResourceType;
  namespace: string | undefined;
  name: string;
  query: URLSearchParams;
}

/** Writes the lines, and with `follow` every later one until the client goes or the pod does. */
export function serveLogs(
  state: ApiState,
  source: LogSource | undefined,
  request: LogRequest,
  exchange: HttpExchange,
): () => void {
  const { namespace = "default", name, query } = request;
  const pod = readObject(state, request);
  const container = containerOf(pod, query.get("container") ?? "");
  const bound = (stringAt(pod, "spec", "nodeName") ?? "") !== "";
  const lines = bound ? source?.lines(namespace, name, container) : [];
  if (lines === undefined) throw badRequest(waitingText(pod, container));
  exchange.begin(200, "text/plain");
  const tail = query.get("tailLines");
  const shown = tail === null ? lines : Number(tail) === 0 ? [] : lines.slice(-Number(tail));
  for (const line of shown) exchange.write(`${line}\n`);
  if (query.get("follow") !== "true" || source?.follow === undefined) {
    exchange.end();
    return () => {};
  }
  exchange.response.flushHeaders();
  const stopLines = source.follow(namespace, name, container, (line) => exchange.write(`${line}\n`));
  const stopPod = state.store.watch(request.type.collection, (change) => {
    const gone = change.type === "DELETED" || hasEnded(change.object);
    if (change.object.metadata.uid === pod.metadata.uid && gone) stop();
  });
  let open = true;
  const stop = () => {
    if (!open) return;
    open = false;
    stopLines();
    stopPod();
    exchange.end();
  };
  exchange.response.on("close", stop);
  if (hasEnded(pod)) stop();
  return stop;
}

function hasEnded(pod: KubernetesObject): boolean {
  const phase = stringAt(pod, "status", "phase");
  return phase === "Succeeded" || phase === "Failed";
}

function containerOf(pod: KubernetesObject, wanted: string): string {
  const names = (list: string) => objectsAt(pod, "spec", list).map((container) => stringAt(container, "name") ?? "");
  const containers = names("containers");
  const all = [...containers, ...names("initContainers")];
  const { name } = pod.metadata;
  if (wanted !== "") {
    if (all.includes(wanted)) return wanted;
    throw badRequest(`container ${wanted} is not valid for pod ${name}`);
  }
  const [only] = containers;
  if (containers.length === 1 && only !== undefined) return only;
  const init = names("initContainers");
  const others = init.length === 0 ? "" : ` or one of the init containers: [${init.join(" ")}]`;
  throw badRequest(
    `a container name must be specified for pod ${name}, choose one of: [${containers.join(" ")}]${others}`,
  );
}

function waitingText(pod: KubernetesObject, container: string): string {
  const status = objectsAt(pod, "status", "containerStatuses").find((entry) => entry.name === container);
  const reason = stringAt(objectAt(status, "state"), "waiting", "reason") ?? "ContainerCreating";
  return `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod.metadata.name)} is waiting to start: ${reason}`;
}
