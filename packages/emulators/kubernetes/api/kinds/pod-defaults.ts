/**
 * Defaults of pods and pod templates, as the API server fills them in.
 * See https://github.com/kubernetes/kubernetes/blob/v1.32.0/pkg/apis/core/v1/defaults.go.
 */

import { isObject, type JsonObject, objectAt, objectIn, objectsAt, setDefault, stringAt } from "../json.ts";

const DEFAULT_MODE = 0o644;
const PROBES = ["livenessProbe", "readinessProbe", "startupProbe"];

/** Defaults of a pod, in place; requests follow limits here, which they do not in a template. */
export function setPodDefaults(pod: JsonObject): void {
  const spec = objectIn(pod, "spec");
  setPodSpecDefaults(spec);
  setDefault(spec, "enableServiceLinks", true);
  for (const container of allContainers(spec)) {
    const limits = objectAt(container, "resources", "limits");
    if (limits === undefined) continue;
    const requests = objectIn(objectIn(container, "resources"), "requests");
    for (const [resource, quantity] of Object.entries(limits)) setDefault(requests, resource, quantity);
  }
}

/** Defaults of a pod specification, of a pod or of a template, in place. */
export function setPodSpecDefaults(spec: JsonObject): void {
  setDefault(spec, "restartPolicy", "Always");
  setDefault(spec, "terminationGracePeriodSeconds", 30);
  setDefault(spec, "dnsPolicy", "ClusterFirst");
  setDefault(spec, "schedulerName", "default-scheduler");
  setDefault(spec, "securityContext", {});
  // The older spelling is kept equal to the newer one.
  const account = stringAt(spec, "serviceAccountName") ?? stringAt(spec, "serviceAccount");
  if (account !== undefined) Object.assign(spec, { serviceAccountName: account, serviceAccount: account });
  for (const volume of objectsAt(spec, "volumes")) setVolumeDefaults(volume);
  for (const container of allContainers(spec)) setContainerDefaults(container, spec.hostNetwork === true);
}

/** The containers and init containers of a pod specification. */
export function allContainers(spec: unknown): JsonObject[] {
  return [...objectsAt(spec, "initContainers"), ...objectsAt(spec, "containers")];
}

function setContainerDefaults(container: JsonObject, hostNetwork: boolean): void {
  setDefault(container, "imagePullPolicy", pullPolicy(stringAt(container, "image") ?? ""));
  setDefault(container, "terminationMessagePath", "/dev/termination-log");
  setDefault(container, "terminationMessagePolicy", "File");
  setDefault(container, "resources", {});
  for (const port of objectsAt(container, "ports")) {
    setDefault(port, "protocol", "TCP");
    if (hostNetwork) setDefault(port, "hostPort", port.containerPort);
  }
  for (const variable of objectsAt(container, "env")) {
    const reference = objectAt(variable, "valueFrom", "fieldRef");
    if (reference !== undefined) setDefault(reference, "apiVersion", "v1");
  }
  for (const name of PROBES) {
    const probe = container[name];
    if (isObject(probe)) setProbeDefaults(probe);
  }
}

/** `latest` and no tag at all are pulled every time. */
function pullPolicy(image: string): string {
  if (image.includes("@")) return "IfNotPresent";
  const tag = /:([^/:]+)$/.exec(image)?.[1] ?? "latest";
  return tag === "latest" ? "Always" : "IfNotPresent";
}

function setProbeDefaults(probe: JsonObject): void {
  setDefault(probe, "timeoutSeconds", 1);
  setDefault(probe, "periodSeconds", 10);
  setDefault(probe, "successThreshold", 1);
  setDefault(probe, "failureThreshold", 3);
  const request = objectAt(probe, "httpGet");
  if (request === undefined) return;
  setDefault(request, "path", "/");
  setDefault(request, "scheme", "HTTP");
}

function setVolumeDefaults(volume: JsonObject): void {
  if (Object.keys(volume).length === 1) volume.emptyDir = {};
  for (const source of ["configMap", "secret", "projected", "downwardAPI"]) {
    const found = objectAt(volume, source);
    if (found !== undefined) setDefault(found, "defaultMode", DEFAULT_MODE);
  }
  const hostPath = objectAt(volume, "hostPath");
  if (hostPath !== undefined) setDefault(hostPath, "type", "");
}
