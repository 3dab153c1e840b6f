import type { Step } from "./step.ts";
import type { Tour } from "./tour.ts";

const trunkResource = "vpc.amazonaws.com/pod-eni";
const trunkLabel = "vpc.amazonaws.com/has-trunk-attached";

/** Two nodes are there, each with its CNINode, and nothing asks for a trunk yet. */
export const nodesAreThere: Step<Tour> = {
  title: "A VPC with its security groups, and two m5.large nodes",
  async run({ cluster, cloud, facts }, checks) {
    await checks.eventually(
      "2 nodes of type m5.large are Ready",
      async () => {
        const nodes = await cluster.nodes("node.kubernetes.io/instance-type=m5.large");
        const ready = nodes.filter((node) =>
          node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True"),
        );
        return ready.length === 2 ? ready : undefined;
      },
      { withinSeconds: 15, otherwise: async () => (await cluster.nodes()).map((node) => node.status?.conditions) },
    );
    for (const node of await cluster.nodes()) {
      const name = node.metadata?.name ?? "";
      await checks.eventually(
        `CNINode ${name} exists and is owned by its node`,
        async () => {
          const found = await cluster.read("vpcresources.k8s.aws/v1alpha1", "CNINode", name);
          return found?.metadata?.ownerReferences?.some(({ uid }) => uid === node.metadata?.uid) ? found : undefined;
        },
        { withinSeconds: 10 },
      );
    }
    const trunks = await cloud.interfaces({ "interface-type": ["trunk"], "vpc-id": [facts.vpcId] });
    checks.check(trunks.length === 0, "no trunk ENI exists before somebody asks for one", trunks.length);
  },
};

/** Switching ENABLE_POD_ENI on brings trunks, labels, capacity and events. */
export const trunksBecomeReady: Step<Tour> = {
  title: "ENABLE_POD_ENI is switched on: trunk ENIs, label, capacity, events",
  async run({ cluster, cloud, facts }, checks) {
    await cluster.strategicPatch("apps/v1", "DaemonSet", {
      metadata: { name: "aws-node", namespace: "kube-system" },
      spec: {
        template: { spec: { containers: [{ name: "aws-node", env: [{ name: "ENABLE_POD_ENI", value: "true" }] }] } },
      },
    });
    const nodes = await checks.eventually(
      `2 nodes carry the label ${trunkLabel}=true and have ${trunkResource}: 9`,
      async () => {
        const labelled = await cluster.nodes(`${trunkLabel}=true`);
        const full = labelled.filter((node) => node.status?.allocatable?.[trunkResource] === "9");
        return full.length === 2 ? full : undefined;
      },
      { withinSeconds: 25, otherwise: async () => (await cluster.nodes()).map((node) => node.status?.capacity) },
    );
    const trunks = await cloud.interfaces({ "interface-type": ["trunk"], "vpc-id": [facts.vpcId] });
    checks.check(trunks.length === 2, "EC2 shows one trunk ENI per node", trunks.length);
    checks.check(
      trunks.every(({ Attachment }) => Attachment?.DeviceIndex === 2 && Attachment.DeleteOnTermination === true),
      "each trunk ENI has the highest device index and goes with its instance",
      trunks.map(({ Attachment }) => Attachment),
    );
    for (const node of nodes) {
      const name = node.metadata?.name ?? "";
      await checks.eventually(
        `events of ${name}: ControllerVersionNotice, NodeTrunkInitiated`,
        async () => {
          const events = (await cluster.events(name)).join("\n");
          return events.includes("ControllerVersionNotice: The node is managed by VPC resource controller version") &&
            events.includes("NodeTrunkInitiated: The node has trunk interface initialized successfully")
            ? events
            : undefined;
        },
        { withinSeconds: 10, otherwise: () => cluster.events(name) },
      );
    }
  },
};
