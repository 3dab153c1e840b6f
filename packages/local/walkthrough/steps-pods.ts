import type { V1Pod } from "@kubernetes/client-node";
import { branchesOf, isLiving, isReady, podEniKey } from "./cluster.ts";
import { askingPod, databaseClient, tutorial } from "./manifests.ts";
import type { Checks, Step } from "./step.ts";
import { matching, namespace, type Tour } from "./tour.ts";

const annotationShape =
  /^\[\{"eniId":"eni-[0-9a-f]{17}","ifAddress":"([0-9a-f]{2}:){5}[0-9a-f]{2}","privateIp":"[0-9.]+","ipv6Addr":"","vlanId":\d+,"subnetCidr":"[0-9./]+","subnetV6Cidr":"","associationID":"trunk-assoc-[0-9a-f]+"\}\]$/;

/** Waits until exactly so many living pods are ready and annotated. */
export async function readyPods(
  { cluster }: Tour,
  checks: Checks,
  wanted: { labels: string; count: number; withinSeconds: number },
): Promise<readonly V1Pod[]> {
  return await checks.eventually(
    `${wanted.count} pods (${wanted.labels}) are ready with their branch ENI`,
    async () => {
      const pods = (await cluster.pods(namespace, wanted.labels)).filter(isLiving);
      const ready = pods.filter((pod) => isReady(pod) && branchesOf(pod));
      return pods.length === wanted.count && ready.length === wanted.count ? ready : undefined;
    },
    {
      withinSeconds: wanted.withinSeconds,
      otherwise: async () =>
        (await cluster.pods(namespace, wanted.labels)).map(({ metadata, status }) => [
          metadata?.name,
          status?.phase,
          metadata?.annotations?.[podEniKey],
        ]),
    },
  );
}

/** Checks a pod's annotation against the contract and against what EC2 shows. */
async function checkBranch({ cloud, facts }: Tour, checks: Checks, pod: V1Pod): Promise<void> {
  const name = pod.metadata?.name ?? "";
  const value = pod.metadata?.annotations?.[podEniKey] ?? "";
  checks.check(annotationShape.test(value), `${name}: annotation as the CNI plugin reads it`, value);
  const branch = branchesOf(pod)?.[0];
  checks.check(branch?.privateIp === pod.status?.podIP, `${name}: pod IP is the branch's address`, pod.status?.podIP);
  const [eni] = await cloud.interfaces({ "network-interface-id": [branch?.eniId ?? ""] });
  checks.check(eni?.InterfaceType === "branch", `${name}: EC2 shows its ENI as a branch`, eni?.InterfaceType);
  const groups = eni?.Groups?.map(({ GroupId }) => GroupId) ?? [];
  checks.check(
    groups.length === 1 && groups[0] === facts.podGroupId,
    `${name}: its ENI has the policy's group and no other`,
    groups,
  );
}

async function checkEvents({ cluster, facts }: Tour, checks: Checks, pod: V1Pod): Promise<void> {
  const wanted = [
    "Scheduled: Successfully assigned",
    `SecurityGroupRequested: Pod will get the following Security Groups [${facts.podGroupId}]`,
    `ResourceAllocated: Allocated ${pod.metadata?.annotations?.[podEniKey]} to the pod`,
    "Pulled: ",
    "Created: ",
    "Started: ",
  ];
  await checks.eventually(
    `${pod.metadata?.name}: events from Scheduled to Started`,
    async () => {
      const events = await cluster.events(pod.metadata?.uid ?? "");
      return wanted.every((text) => events.some((event) => event.startsWith(text))) ? events : undefined;
    },
    { withinSeconds: 8, otherwise: () => cluster.events(pod.metadata?.uid ?? "") },
  );
}

/** The tutorial's Deployment: each matching pod gets a branch ENI with the policy's groups. */
export const deploymentGetsBranches: Step<Tour> = {
  title: "A SecurityGroupPolicy, a Deployment of 4 and its Service: a branch ENI for each pod",
  async run(tour, checks) {
    await tour.cluster.create(tutorial(tour.facts.podGroupId));
    const pods = await readyPods(tour, checks, { labels: matching, count: 4, withinSeconds: 25 });
    for (const pod of pods) {
      await checkBranch(tour, checks, pod);
      await checkEvents(tour, checks, pod);
    }
    const slots = pods.map((pod) => `${pod.spec?.nodeName}/${branchesOf(pod)?.[0]?.vlanId}`);
    checks.check(new Set(slots).size === 4, "no two pods of a node share a VLAN ID", slots);
  },
};

/** What the end of a pod's log is to say. */
interface WantedLog {
  readonly pod: string;
  readonly text: string;
  readonly withinSeconds: number;
  /** How many lines count as the end. */
  readonly lines: number;
}

/** Waits until the end of a pod's log says what is expected. */
async function logSays({ cluster }: Tour, checks: Checks, wanted: WantedLog): Promise<void> {
  const end = () => cluster.log(namespace, wanted.pod, wanted.lines);
  await checks.eventually(
    `${wanted.pod} logs "${wanted.text}"`,
    async () => ((await end()).includes(wanted.text) ? true : undefined),
    { withinSeconds: wanted.withinSeconds, otherwise: end },
  );
}

/** The pod with the database's group reaches it, the other one does not. */
export const databaseIsGuarded: Step<Tour> = {
  title: "Green reaches the database, red does not",
  async run(tour, checks) {
    await tour.cluster.create(databaseClient("green", tour.facts.databaseAddress));
    await tour.cluster.create(databaseClient("red", tour.facts.databaseAddress));
    await logSays(tour, checks, { pod: "green", text: "Database connection successful", withinSeconds: 15, lines: 8 });
    await logSays(tour, checks, {
      pod: "red",
      text: "Database connection failed due to timeout expired",
      withinSeconds: 15,
      lines: 8,
    });
    const [red] = await tour.cluster.pods(namespace, "app=red");
    checks.check(red?.metadata?.annotations?.[podEniKey] === undefined, "red has no annotation");
    const requests = red?.spec?.containers[0]?.resources?.requests ?? {};
    checks.check(!(podEniKey in requests), "red asks for no branch ENI", requests);
  },
};

/** Without the rule for port 53 names do not resolve, addresses still answer. */
export const namesNeedTheDnsRule: Step<Tour> = {
  title: "The DNS rule is revoked and restored: names stop resolving, addresses still answer",
  async run(tour, checks) {
    const [first] = await tour.cluster.pods(namespace, "app=my-app");
    const address = `http://${first?.status?.podIP}`;
    await tour.cluster.create(askingPod(["http://my-app", address]));
    await logSays(tour, checks, { pod: "asker", text: "Welcome to my-app", withinSeconds: 15, lines: 2 });
    await setDns(tour, false);
    await logSays(tour, checks, { pod: "asker", text: "Could not resolve host: my-app", withinSeconds: 10, lines: 2 });
    await logSays(tour, checks, { pod: "asker", text: "Welcome to", withinSeconds: 10, lines: 2 });
    await setDns(tour, true);
    await checks.eventually(
      "asker resolves my-app again",
      async () => ((await tour.cluster.log(namespace, "asker", 2)).includes("Could not resolve") ? undefined : true),
      { withinSeconds: 10 },
    );
    await tour.cluster.delete("v1", "Pod", "asker", namespace);
  },
};

async function setDns({ cloud, facts }: Tour, open: boolean): Promise<void> {
  for (const protocol of ["tcp", "udp"])
    await cloud.setRule({
      groupId: facts.clusterGroupId,
      fromGroupId: facts.podGroupId,
      protocol,
      port: 53,
      open,
    });
}

/** Without the node group's access to the probe port pods become unready. */
export const probesNeedTheirRule: Step<Tour> = {
  title: "The probe port's rule is revoked and restored: pods become unready and ready again",
  async run(tour, checks) {
    const { cloud, cluster, facts } = tour;
    const rule = { groupId: facts.podGroupId, fromGroupId: facts.clusterGroupId, protocol: "tcp", port: 80 };
    await cloud.setRule({ ...rule, open: false });
    await checks.eventually(
      "the 4 pods of my-deployment are unready",
      async () => {
        const pods = (await cluster.pods(namespace, "app=my-app")).filter(isLiving);
        return pods.length === 4 && pods.every((pod) => !isReady(pod)) ? pods : undefined;
      },
      { withinSeconds: 15 },
    );
    await cloud.setRule({ ...rule, open: true });
    await readyPods(tour, checks, { labels: "app=my-app", count: 4, withinSeconds: 15 });
  },
};
