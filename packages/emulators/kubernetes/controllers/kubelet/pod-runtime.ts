import type { ControlPlane } from "../control-plane.ts";
import { keyOf, type Pod } from "../objects.ts";
import { programOf } from "../programs/registry.ts";
import type { Occurrence } from "../recorder.ts";
import type { Connectivity, Station } from "./connectivity.ts";
import { type ContainerRuntime, createContainerRuntime } from "./container-runtime.ts";
import type { ProbeKind } from "./probe.ts";

/** A pod as the kubelet runs it. */
export interface PodRuntime {
  readonly uid: string;
  /** `namespace/name`. */
  readonly key: string;
  /** The newest state that was seen. */
  pod: Pod;
  readonly containers: ContainerRuntime[];
  /** The sandbox with its network, once it could be made. */
  station: Station | undefined;
  /** The address that the pod has, or had when it ended. */
  address: string | undefined;
  /** When a sandbox may be tried (epoch ms), unless the pod changes before. */
  sandboxDueMs: number;
  readonly startedMs: number;
  /** When the images are there (epoch ms); `undefined` before pulling begins. */
  pulledMs: number | undefined;
  /** When the containers of a pod that is being deleted have ended (epoch ms). */
  endedMs: number | undefined;
  /** The pod's end has been told to the API server. */
  removed: boolean;
}

/** The node on which a pod runs. */
export interface PodHost {
  plane: ControlPlane;
  connectivity: Connectivity;
  nodeName: string;
  nodeAddress: string;
  /** Look at the pod again. */
  changed(uid: string): void;
}

/** Tells an event about a pod as the kubelet of its node. */
export function tellOfPod(
  host: PodHost,
  pod: Pod,
  event: Pick<Occurrence, "type" | "reason" | "message" | "aggregateBy" | "fieldPath">,
): void {
  host.plane.recorder.tell({ about: pod, component: "kubelet", host: host.nodeName, ...event });
}

/** The part of a pod that an event about a container is about. */
export function containerPath(name: string): string {
  return `spec.containers{${name}}`;
}

/** Makes the runtime of a pod that the kubelet sees for the first time. Nothing is started. */
export function createPodRuntime(pod: Pod, host: PodHost): PodRuntime {
  const { plane, connectivity, nodeAddress } = host;
  const { clock, settings } = plane;
  const uid = pod.metadata.uid ?? "";
  const runtime: PodRuntime = {
    uid,
    key: keyOf(pod),
    pod,
    containers: [],
    station: undefined,
    address: undefined,
    sandboxDueMs: clock.now(),
    startedMs: clock.now(),
    pulledMs: undefined,
    endedMs: undefined,
    removed: false,
  };

  const machine = {
    connect: (address: string, port: number, protocol: "tcp" | "udp" = "tcp") =>
      runtime.station === undefined
        ? { outcome: "timeout" as const }
        : connectivity.connect(runtime.station, { address, port, protocol }),
    resolve: (name: string) =>
      runtime.station === undefined ? undefined : connectivity.resolve(runtime.station, name),
  };

  for (const spec of pod.spec.containers) {
    const fieldPath = containerPath(spec.name);
    const program = programOf(spec, pod, settings.programs);
    const address = () => runtime.station?.attachment.address ?? "";
    const probe = (port: number) =>
      runtime.station === undefined ? "timeout" : connectivity.probe(runtime.station, nodeAddress, port);
    const unhealthy = (kind: ProbeKind, text: string) => {
      const message = `${kind} probe failed: ${text}`;
      tellOfPod(host, runtime.pod, { type: "Warning", reason: "Unhealthy", message, fieldPath });
    };
    const condemned = (kind: ProbeKind) => {
      const message = `Container ${spec.name} failed ${kind.toLowerCase()} probe, will be restarted`;
      tellOfPod(host, runtime.pod, { type: "Normal", reason: "Killing", message, fieldPath });
      container.end(137);
      host.changed(uid);
    };
    const events = { changed: () => host.changed(uid), unhealthy, condemned };
    const container = createContainerRuntime(spec, { pod, program, clock, settings, machine, address, probe }, events);
    runtime.containers.push(container);
  }
  return runtime;
}
