import type { NetworkInterface } from "@aws-sdk/client-ec2";
import { tag } from "./cloud.ts";
import { forsaken } from "./manifests.ts";
import type { Step } from "./step.ts";
import { readyPods } from "./steps-pods.ts";
import { namespace, type Tour } from "./tour.ts";

const instanceTag = "node.k8s.amazonaws.com/instance_id";

const instanceOf = (providerId: string | undefined): string => providerId?.split("/").at(-1) ?? "";

/** The branches of a terminated instance do not stay behind. */
export const terminationCleansUp: Step<Tour> = {
  title: "An instance is terminated: its branch ENIs are removed",
  async run(tour, checks) {
    const { cluster, cloud } = tour;
    const [pod] = await cluster.pods(namespace, "app=my-app");
    const node = (await cluster.nodes()).find(({ metadata }) => metadata?.name === pod?.spec?.nodeName);
    const instanceId = instanceOf(node?.spec?.providerID);
    const enis = await cloud.interfaces({ [`tag:${instanceTag}`]: [instanceId] });
    checks.check(enis.length > 1, `${instanceId} has a trunk ENI and branch ENIs`, enis.length);
    await cloud.terminate([instanceId]);
    await checks.eventually(
      `no ENI of ${instanceId} is left in EC2`,
      async () => ((await cloud.interfaces({ [`tag:${instanceTag}`]: [instanceId] })).length === 0 ? true : undefined),
      {
        withinSeconds: 25,
        otherwise: async () => described(await cloud.interfaces({ [`tag:${instanceTag}`]: [instanceId] })),
      },
    );
    await readyPods(tour, checks, { labels: "app=my-app", count: 4, withinSeconds: 30 });
  },
};

/** A group that branches used can be deleted soon after its last pod. */
export const groupGoesSoon: Step<Tour> = {
  title: "Namespace and policy are deleted; the pods' security group goes at most 15 s after the cool-down",
  async run({ cluster, cloud, facts, cooldownSeconds, figures }, checks) {
    await cluster.delete("v1", "Namespace", namespace);
    await checks.eventually(
      "the namespace is gone",
      async () => ((await cluster.read("v1", "Namespace", namespace)) === undefined ? true : undefined),
      { withinSeconds: 25 },
    );
    const begin = performance.now();
    const within = cooldownSeconds + 15;
    const refusal = await cloud.deleteGroup(facts.podGroupId);
    checks.check(
      refusal === undefined || refusal === "DependencyViolation",
      "EC2 refuses the group only while an ENI uses it",
      refusal,
    );
    await cloud.setRule({
      groupId: facts.databaseGroupId,
      fromGroupId: facts.podGroupId,
      protocol: "tcp",
      port: 5432,
      open: false,
    });
    for (const protocol of ["tcp", "udp"])
      await cloud.setRule({
        groupId: facts.clusterGroupId,
        fromGroupId: facts.podGroupId,
        protocol,
        port: 53,
        open: false,
      });
    await checks.eventually(
      `the group is deleted within ${within} s`,
      async () => ((await cloud.deleteGroup(facts.podGroupId)) === undefined ? true : undefined),
      { withinSeconds: within, otherwise: () => cloud.interfaces({ "group-id": [facts.podGroupId] }) },
    );
    const seconds = (performance.now() - begin) / 1_000;
    figures.set("security group deletable after its namespace", `${seconds.toFixed(1)} s`);
  },
};

/** Nobody says goodbye: the reaper finds what is left. */
export const clusterDisappears: Step<Tour> = {
  title: "The cluster disappears without notice: the reaper leaves no ENI behind",
  async run(tour, checks) {
    const { cloud, cluster, facts, figures, silenceCluster } = tour;
    const ours = () => cloud.interfaces({ "tag-key": ["trunkline:owner"] });
    await cluster.create(forsaken(facts.clusterGroupId));
    await readyPods(tour, checks, { labels: "app=forsaken", count: 3, withinSeconds: 25 });
    const instances = (await cluster.nodes()).map((node) => instanceOf(node.spec?.providerID));
    const branches = (await ours()).filter(({ InterfaceType }) => InterfaceType === "branch");
    checks.check(branches.length >= 3, `${branches.length} branch ENIs are in use`, branches.length);
    await silenceCluster();
    await cloud.terminate(instances);
    await checks.eventually(
      "EC2 leaves the branches behind as orphans",
      async () => {
        const left = await ours();
        return left.length >= 3 && left.every(({ Status }) => Status === "available") ? left : undefined;
      },
      { withinSeconds: 10, otherwise: async () => described(await ours()) },
    );
    await checks.eventually(
      "the reaper removes them: no ENI with our owner tag is left",
      async () => ((await ours()).length === 0 ? true : undefined),
      { withinSeconds: 30, otherwise: async () => described(await ours()) },
    );
    figures.set("ENIs of ours left", String((await ours()).length));
  },
};

const described = (enis: readonly NetworkInterface[]): unknown =>
  enis.map((eni) => [eni.NetworkInterfaceId, eni.InterfaceType, eni.Status, tag(eni, "trunkline:intent")]);
