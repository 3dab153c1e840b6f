import fc from "fast-check";
import { expect, test } from "vitest";
import type { Deployment, ReplicaSet } from "../objects.ts";
import { replicaSetFor } from "./deployment.ts";
import { planRollout, rollingLimits } from "./deployment-plan.ts";

interface Wish {
  replicas: number;
  image?: string;
  maxSurge?: number | string;
  maxUnavailable?: number | string;
  spec?: Partial<Deployment["spec"]>;
}

function deploymentOf({ replicas, image = "new", maxSurge = "25%", maxUnavailable = "25%", spec }: Wish): Deployment {
  const labels = { app: "web" };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "default", uid: "d" },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "web", image }] } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } },
      ...spec,
    },
  };
}

function replicaSetOf(wish: Wish, revision: number, available = wish.replicas): ReplicaSet {
  const made = replicaSetFor(deploymentOf(wish), wish.replicas, revision);
  return { ...made, status: { replicas: wish.replicas, availableReplicas: available } };
}

test("a new Deployment begins with a ReplicaSet of all its replicas", () => {
  const step = planRollout(deploymentOf({ replicas: 4 }), []);

  expect(step).toMatchObject({ create: { replicas: 4 }, current: undefined });
});

test("a changed template begins with the surge only", () => {
  const step = planRollout(deploymentOf({ replicas: 4 }), [replicaSetOf({ replicas: 4, image: "old" }, 1)]);

  expect(step.create).toEqual({ replicas: 1 });
});

test("shares of the replicas round up for the surge and down for what may be missing", () => {
  expect(rollingLimits(deploymentOf({ replicas: 5 }))).toEqual({ surge: 2, unavailable: 1 });
  expect(rollingLimits(deploymentOf({ replicas: 4, maxSurge: 0, maxUnavailable: "10%" }))).toEqual({
    surge: 0,
    unavailable: 1,
  });
});

test("old replicas that are not available go first, even when nothing else may", () => {
  const current = replicaSetOf({ replicas: 1 }, 2, 0);
  const old = replicaSetOf({ replicas: 4, image: "old" }, 1, 2);

  const { scalings } = planRollout(deploymentOf({ replicas: 4 }), [old, current]);

  expect(scalings).toMatchObject([{ from: 4, to: 3 }]);
});

test("a paused Deployment is scaled but not rolled out", () => {
  const paused = deploymentOf({ replicas: 6, spec: { paused: true } });

  const step = planRollout(paused, [replicaSetOf({ replicas: 4, image: "old" }, 1)]);

  expect(step.create).toBeUndefined();
  expect(step.scalings).toMatchObject([{ from: 4, to: 6 }]);
});

test("Recreate waits until every old pod is gone", () => {
  const recreate = deploymentOf({ replicas: 2, spec: { strategy: { type: "Recreate" } } });
  const running = replicaSetOf({ replicas: 2, image: "old" }, 1);
  const ending = { ...running, spec: { ...running.spec, replicas: 0 } };
  const gone = { ...ending, status: { replicas: 0 } };

  expect(planRollout(recreate, [running])).toMatchObject({ scalings: [{ to: 0 }], create: undefined });
  expect(planRollout(recreate, [ending])).toMatchObject({ scalings: [], create: undefined });
  expect(planRollout(recreate, [gone])).toMatchObject({ scalings: [], create: { replicas: 2 } });
});

test("empty ReplicaSets beyond the history limit are pruned, the oldest first", () => {
  const old = [1, 2, 3].map((revision) => replicaSetOf({ replicas: 0, image: `old-${revision}` }, revision));
  const current = replicaSetOf({ replicas: 2 }, 4);

  const { prune } = planRollout(deploymentOf({ replicas: 2, spec: { revisionHistoryLimit: 1 } }), [...old, current]);

  expect(prune).toEqual([old[0], old[1]]);
});

/** Plays one step and lets a chosen part of the missing pods become available. */
function play(deployment: Deployment, replicaSets: ReplicaSet[], becomesAvailable: number): ReplicaSet[] {
  const step = planRollout(deployment, replicaSets);
  const scaled = replicaSets.map((replicaSet) => {
    const to = step.scalings.find((scaling) => scaling.replicaSet === replicaSet)?.to;
    return to === undefined ? replicaSet : { ...replicaSet, spec: { ...replicaSet.spec, replicas: to } };
  });
  const made = step.create === undefined ? [] : [replicaSetFor(deployment, step.create.replicas, 99)];
  return [...scaled, ...made].map((replicaSet) => {
    const wanted = replicaSet.spec.replicas ?? 0;
    const before = replicaSet.status?.availableReplicas ?? 0;
    const availableReplicas = Math.min(wanted, before + (wanted > before ? becomesAvailable : 0));
    return { ...replicaSet, status: { replicas: wanted, availableReplicas } };
  });
}

test("a rolling update never exceeds its surge, never falls below its minimum, and ends", () => {
  const share = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom("0%", "25%", "50%", "100%"));
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      share,
      share,
      fc.array(fc.nat(3)),
      (replicas, surge, missing, pace) => {
        const deployment = deploymentOf({ replicas, maxSurge: surge, maxUnavailable: missing });
        const limits = rollingLimits(deployment);
        let replicaSets = [replicaSetOf({ replicas, image: "old" }, 1)];
        for (let turn = 0; turn < 200; turn += 1) {
          replicaSets = play(deployment, replicaSets, pace[turn] ?? 1);
          const total = replicaSets.reduce((sum, { spec }) => sum + (spec.replicas ?? 0), 0);
          const available = replicaSets.reduce((sum, { status }) => sum + (status?.availableReplicas ?? 0), 0);
          expect(total).toBeLessThanOrEqual(replicas + limits.surge);
          expect(available).toBeGreaterThanOrEqual(replicas - limits.unavailable);
        }
        expect(replicaSets.map(({ spec }) => spec.replicas)).toEqual([0, replicas]);
      },
    ),
    { numRuns: 200 },
  );
});
