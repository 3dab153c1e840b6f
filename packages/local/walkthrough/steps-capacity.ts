import type { V1Pod } from "@kubernetes/client-node";
import { branchesOf, isLiving, podEniKey } from "./cluster.ts";
import { job } from "./manifests.ts";
import type { Step } from "./step.ts";
import { readyPods } from "./steps-pods.ts";
import { matching, namespace, type Tour } from "./tour.ts";

const enisOf = (pods: readonly V1Pod[]): readonly string[] => pods.flatMap((pod) => branchesOf(pod)?.[0]?.eniId ?? []);

/** Two nodes hold 18 branches; the 19th pod waits for a place. */
export const nineteenthWaits: Step<Tour> = {
  title: "The 19th pod on two nodes stays Pending until one leaves",
  async run(tour, checks) {
    const { cluster } = tour;
    await cluster.scale(namespace, "my-deployment", 18);
    const pending = await checks.eventually(
      "18 pods have a branch ENI and one is Pending",
      async () => {
        const pods = (await cluster.pods(namespace, matching)).filter(isLiving);
        const waiting = pods.filter((pod) => pod.status?.phase === "Pending" && !pod.spec?.nodeName);
        const held = pods.filter((pod) => branchesOf(pod));
        return pods.length === 19 && held.length === 18 && waiting.length === 1 ? waiting[0] : undefined;
      },
      { withinSeconds: 25, otherwise: async () => summary(await cluster.pods(namespace, matching)) },
    );
    await checks.eventually(
      `its event names ${podEniKey}`,
      async () => {
        const events = await cluster.events(pending.metadata?.uid ?? "");
        return events.some((event) => event.includes(`Insufficient ${podEniKey}`)) ? events : undefined;
      },
      { withinSeconds: 10 },
    );
    await cluster.delete("v1", "Pod", "green", namespace);
    await readyPods(tour, checks, { labels: "app=my-app", count: 18, withinSeconds: 25 });
    await cluster.scale(namespace, "my-deployment", 4);
    await readyPods(tour, checks, { labels: "app=my-app", count: 4, withinSeconds: 20 });
  },
};

const summary = (pods: readonly V1Pod[]): unknown =>
  pods.map(({ metadata, spec, status }) => [metadata?.name, spec?.nodeName, status?.phase]);

/** The second of two rolling restarts lives on what the first one left. */
export const restartsReuse: Step<Tour> = {
  title: "Two rolling restarts with a cool-down between: the second reuses cooled branch ENIs",
  async run(tour, checks) {
    const { cloud, cluster } = tour;
    const seen = new Set<string>();
    const restart = async () => {
      for (const eniId of enisOf(await cluster.pods(namespace, "app=my-app"))) seen.add(eniId);
      const old = new Set((await cluster.pods(namespace, "app=my-app")).map(({ metadata }) => metadata?.uid));
      await cluster.restart(namespace, "my-deployment");
      return await checks.eventually(
        "every pod of my-deployment is replaced",
        async () => {
          const pods = (await cluster.pods(namespace, "app=my-app")).filter(isLiving);
          const fresh = pods.filter((pod) => !old.has(pod.metadata?.uid) && branchesOf(pod));
          return pods.length === 4 && fresh.length === 4 ? fresh : undefined;
        },
        { withinSeconds: 25, otherwise: async () => summary(await cluster.pods(namespace, "app=my-app")) },
      );
    };
    await restart();
    await new Promise((resolve) => setTimeout(resolve, (tour.cooldownSeconds + 1.5) * 1_000));
    const before = (await cloud.calls()).CreateNetworkInterface?.calls ?? 0;
    const fresh = enisOf(await restart());
    const created = ((await cloud.calls()).CreateNetworkInterface?.calls ?? 0) - before;
    const reused = fresh.filter((eniId) => seen.has(eniId)).length;
    checks.check(reused >= 1, `${reused} of 4 pods of the second restart reuse a cooled branch ENI`, { fresh });
    checks.check(created === 4 - reused, `EC2 was asked for ${created} new ENIs: none for the reused ones`, created);
    tour.figures.set("branch ENIs reused by the second restart", `${reused} of 4`);
  },
};

/** The pods of a Job give their branches back when they complete, not when they are deleted. */
export const jobsRelease: Step<Tour> = {
  title: "A Job's pods release their branch ENIs when they complete",
  async run(tour, checks) {
    const { cluster, cloud } = tour;
    await cluster.create(job);
    const pods = await checks.eventually(
      "2 pods of the Job have had a branch ENI and are Succeeded",
      async () => {
        const found = await cluster.pods(namespace, "job=my-job");
        const done = found.filter((pod) => pod.status?.phase === "Succeeded" && branchesOf(pod));
        return done.length === 2 ? done : undefined;
      },
      { withinSeconds: 25, otherwise: async () => summary(await cluster.pods(namespace, "job=my-job")) },
    );
    await checks.eventually(
      "their ENIs are given back although the pods still exist",
      async () => {
        const left = await cloud.interfaces({ "network-interface-id": enisOf(pods) });
        return left.length === 0 ? true : undefined;
      },
      { withinSeconds: 40, otherwise: async () => cloud.interfaces({ "network-interface-id": enisOf(pods) }) },
    );
    checks.check((await cluster.pods(namespace, "job=my-job")).length === 2, "the Job's pods are still there");
    await cluster.delete("batch/v1", "Job", "my-job", namespace);
  },
};
