import type { InstanceId } from "@trunkline/core";
import { expect, test } from "vitest";
import { type PodView, viewPod } from "../follow/views.ts";
import { aPod, instanceId, podEniKey } from "../testing/scene.ts";
import { createVirtualClock } from "../testing/virtual-clock.ts";
import { createEnds } from "./ends.ts";

const cluster = { instanceOf: () => instanceId, node: () => undefined, podsOnNode: () => [] };

const aView = (change: Partial<PodView>): PodView => {
  const pod = aPod("db");
  return { ...viewPod({ ...pod, metadata: { ...pod.metadata, uid: "uid-db", resourceVersion: "1" } }), ...change };
};

test("a pod that has ended is forgotten with its instance, also when it neither wanted nor held ENIs in the end", () => {
  const ends = createEnds({ clock: createVirtualClock(), cluster: () => cluster });
  const held = aView({ enis: 0, annotation: `{"${podEniKey}":1}` });
  ends.pod({ type: "seen", object: held });
  expect(ends.instanceOf("uid-db")).toBe(instanceId);

  const stripped = aView({ enis: 0, annotation: undefined });
  ends.pod({ type: "seen", object: stripped, previous: held });
  ends.pod({ type: "gone", object: stripped, how: "deleted", version: "2" });

  expect(ends.instanceOf("uid-db")).toBeUndefined();
  expect(ends.pods()).toEqual([]);
});

test("no more ends are remembered than ten thousand, the last ones", () => {
  const ends = createEnds({ clock: createVirtualClock(), cluster: () => cluster });
  for (let index = 0; index < 20_500; index += 1) {
    ends.pod({ type: "gone", object: aView({ uid: `uid-${index}` }), how: "deleted", version: "2" });
  }

  expect(ends.pods()).toHaveLength(10_000);
  expect(ends.pods().at(-1)?.pod.uid).toBe("uid-20499");
});

test("a pod that holds ENIs stays on the instance where it got them, whatever now bears its node's name", () => {
  let present: InstanceId = instanceId;
  const ends = createEnds({ clock: createVirtualClock(), cluster: () => ({ ...cluster, instanceOf: () => present }) });
  ends.pod({ type: "seen", object: aView({}) });
  present = "i-0fedcba9876543210" as InstanceId;

  ends.pod({ type: "seen", object: aView({ annotation: "[]" }) });
  expect(ends.instanceOf("uid-db")).toBe(instanceId);

  ends.pod({ type: "seen", object: aView({}) });
  expect(ends.instanceOf("uid-db")).toBe(present);
});
