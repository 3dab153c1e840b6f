import type { Pod } from "../objects.ts";
import { declaredPorts, type Program, type Step } from "./program.ts";

interface Work {
  endsAfterSeconds: number | undefined;
}

const WORK_SECONDS = 1;

/** Whatever nobody knows: runs for ever in a pod that is restarted, and succeeds after a second in a Job's. */
export const unknownWorkload: Program<Work> = {
  name: "unknown-workload",
  matches: () => true,
  listens: declaredPorts,
  start(_container, pod: Pod) {
    return { endsAfterSeconds: (pod.spec.restartPolicy ?? "Always") === "Always" ? undefined : WORK_SECONDS };
  },
  step({ endsAfterSeconds }): Step<Work> {
    if (endsAfterSeconds === undefined) return { state: { endsAfterSeconds }, lines: [], next: "idle" };
    if (endsAfterSeconds > 0) {
      return { state: { endsAfterSeconds: 0 }, lines: [], next: { afterSeconds: endsAfterSeconds } };
    }
    return { state: { endsAfterSeconds }, lines: [], next: { exitCode: 0 } };
  },
};
