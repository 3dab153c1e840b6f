/**
 * Events are stored once, as core events, and shown in two groups. The fields move to other names on the way.
 * See https://github.com/kubernetes/kubernetes/blob/v1.32.0/pkg/apis/events/v1/conversion.go.
 */

import type { KubernetesObject } from "../../ports.ts";
import type { View } from "../resource-type.ts";
import { validateStrictly, validateStrictUpdate } from "./event-rules.ts";

/** Field names: in `events.k8s.io/v1`, in `v1`. */
const RENAMED: readonly (readonly [string, string])[] = [
  ["regarding", "involvedObject"],
  ["note", "message"],
  ["reportingController", "reportingComponent"],
  ["deprecatedSource", "source"],
  ["deprecatedFirstTimestamp", "firstTimestamp"],
  ["deprecatedLastTimestamp", "lastTimestamp"],
  ["deprecatedCount", "count"],
];

function renamed(event: KubernetesObject, names: readonly (readonly [string, string])[]): KubernetesObject {
  const shown: KubernetesObject = { ...event };
  for (const [from, to] of names) {
    const value = shown[from];
    delete shown[from];
    if (value !== undefined) shown[to] = value;
  }
  return shown;
}

/** Events of the group `events.k8s.io` over the stored core events. */
export const eventsView: View = {
  fromStored: (event) => ({
    ...renamed(
      event,
      RENAMED.map(([newer, older]) => [older, newer]),
    ),
    apiVersion: "events.k8s.io/v1",
  }),
  toStored: (event) => ({ ...renamed(event, RENAMED), apiVersion: "v1" }),
  validate: validateStrictly,
  validateUpdate: validateStrictUpdate,
};
