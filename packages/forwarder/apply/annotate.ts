import type { InstanceId, PodEniAssigned } from "@trunkline/core";
import { addToMap, type JsonPatchOperation, podEniKey, podEvents, writePodEnis } from "@trunkline/kubernetes";
import type { Cluster } from "../follow/cluster.ts";
import { type PodView, viewPod } from "../follow/views.ts";
import { isPassing, isSuccess, type KubernetesApi, refusalOf } from "../ports/api.ts";
import type { Log } from "../ports/log.ts";
import { involvedPod, type Recorder } from "./recorder.ts";

/** What to do about an assigned ENI, from what is known of the pod (P11). */
export type AnnotationStep =
  | { readonly do: "patch"; readonly value: string; readonly patch: readonly JsonPatchOperation[] }
  | { readonly do: "announce"; readonly value: string }
  | { readonly do: "drop"; readonly because: string };

/**
 * Decides whether a pod gets the annotation. The patch tests the pod's UID and version in the same request, so that what
 * was looked at here is what is written to; once written, an annotation never changes.
 *
 * @param instanceId of the node on which the pod is, as far as that node is known.
 */
export const decideAnnotation = (
  outcome: PodEniAssigned,
  pod: PodView | undefined,
  instanceId: InstanceId | undefined,
): AnnotationStep => {
  const value = writePodEnis(outcome.enis);
  if (pod === undefined || pod.uid !== outcome.podUid) return { do: "drop", because: "the pod is gone" };
  if (pod.annotation === value) return { do: "announce", value };
  if (pod.annotation !== undefined) return { do: "drop", because: "the pod has another annotation" };
  if (pod.terminal) return { do: "drop", because: "the pod has ended" };
  if (instanceId !== outcome.instanceId) return { do: "drop", because: "the pod's node is another instance" };
  const annotations = pod.hasAnnotations ? {} : undefined;
  return {
    do: "patch",
    value,
    patch: [
      { op: "test", path: "/metadata/uid", value: pod.uid },
      { op: "test", path: "/metadata/resourceVersion", value: pod.resourceVersion },
      addToMap(annotations, "/metadata/annotations", podEniKey, value),
    ],
  };
};

export interface AnnotatorOptions {
  readonly api: KubernetesApi;
  readonly cluster: Pick<Cluster, "podByUid" | "instanceOf">;
  readonly recorder: Pick<Recorder, "record">;
  readonly log: Log;
  /** Whether the outcome has been held too long by now (P11). */
  readonly isVoid: () => boolean;
}

const looksMax = 6;

/** Whether an outcome is dealt with, or what may pass. */
export type Applied = { readonly done: true } | { readonly done: false; readonly problem: string };

const done: Applied = { done: true };

/**
 * Writes the annotation. When the write fails it looks at the pod again: one that has changed is written to anew, a bounded
 * number of times; one that is still what it was is refused by a rule or for lack of a right, which trying at once does not
 * change.
 */
export const annotatePod = async (outcome: PodEniAssigned, options: AnnotatorOptions): Promise<Applied> => {
  const { api, cluster, recorder, log, isVoid } = options;
  const path = `/api/v1/namespaces/${outcome.namespace}/pods/${outcome.name}`;
  const involved = involvedPod({ namespace: outcome.namespace, name: outcome.name, uid: outcome.podUid });
  let pod = cluster.podByUid(outcome.podUid);
  let refused: { readonly version: string; readonly problem: string } | undefined;
  for (let look = 1; look <= looksMax; look += 1) {
    if (pod === undefined || look > 1) {
      const found = await api.request({ method: "GET", path });
      if (!isSuccess(found) && found.status !== 404) return { done: false, problem: refusalOf(found) };
      pod = isSuccess(found) ? viewPod(found.body) : undefined;
    }
    const step = decideAnnotation(outcome, pod, pod === undefined ? undefined : cluster.instanceOf(pod.nodeName));
    if (step.do === "drop") {
      log("info", "An assigned ENI is not written to its pod.", { podUid: outcome.podUid, because: step.because });
      return done;
    }
    if (step.do === "announce") {
      recorder.record(involved, podEvents.allocated(step.value));
      return done;
    }
    const version = pod?.resourceVersion ?? "";
    if (refused?.version === version) break;
    // The ENI may be another pod's by then, and the pod may be just what it was when this process stood still.
    if (isVoid()) return { done: false, problem: "it was held too long while it was applied" };
    const contentType = "application/json-patch+json";
    const answer = await api.request({ method: "PATCH", path, contentType, body: step.patch });
    if (isSuccess(answer)) {
      recorder.record(involved, podEvents.allocated(step.value));
      return done;
    }
    if (isPassing(answer)) return { done: false, problem: refusalOf(answer) };
    // A failed test, a conflict and a rule's refusal look alike to different servers: only the pod tells them apart.
    refused = { version, problem: refusalOf(answer) };
  }
  const problem = refused?.problem ?? "the pod keeps changing";
  log("warn", "An annotation is refused; it is tried again.", {
    pod: `${outcome.namespace}/${outcome.name}`,
    podUid: outcome.podUid,
    problem,
  });
  recorder.record(involved, podEvents.annotationFailed(problem));
  return { done: false, problem };
};
