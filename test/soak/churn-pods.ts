import type { KubernetesObject } from "@trunkline/emulator-kubernetes/ports";
import type { ChurnWorld } from "./churn-world.ts";
import { namespaces } from "./cluster.ts";
import { isShort } from "./options.ts";

/** What happens to pods and their policies. */
export type PodAction =
  | "create-pod"
  | "delete-pod"
  | "force-delete-pod"
  | "recreate-pod"
  | "run-to-end"
  | "sweep-finished"
  | "scale"
  | "roll-out"
  | "change-policy";

/** Deployments, and the share of all pods that they have together at first. */
const deploymentsCount = 8;
const deploymentsShare = 0.6;
/** Finished pods are left lying about, up to so many. */
const finishedMax = 30;
/** The policies of each namespace: a pod may match none, one, or two of them. */
const policies = [
  { name: "role-a", labels: { role: "a" } },
  { name: "role-b", labels: { role: "b" } },
  { name: "tier-x", labels: { tier: "x" } },
] as const;
/** Two policies together stay within the five groups that an interface takes. */
const groupsPerPolicyMax = 2;
const sgpGroup = "vpcresources.k8s.aws";

interface BarePod {
  readonly namespace: string;
  readonly name: string;
}

/** Makes what happens to pods. */
export function createPodChurn({ cluster, options, draws, api, pause }: ChurnWorld): {
  begin(): Promise<void>;
  readonly acts: Readonly<Record<PodAction, () => Promise<void>>>;
} {
  const bare: BarePod[] = [];
  const finished: BarePod[] = [];
  const replicas = new Map<string, number>();
  let made = 0;
  let rollouts = 0;
  const share = Math.max(1, Math.round((options.pods * deploymentsShare) / deploymentsCount));

  const namespace = () => draws.one(namespaces) ?? namespaces[0];
  const refOf = ({ namespace, name }: BarePod) => ({ group: "", resource: "pods", namespace, name });
  const deploymentOf = (index: number) => ({
    group: "apps",
    resource: "deployments",
    namespace: namespaces[index % namespaces.length] ?? namespaces[0],
    name: `web-${index}`,
  });
  const labels = () => ({
    role: draws.weighted({ a: 5, b: 4, none: 1 }),
    tier: draws.weighted({ x: 1, y: 2 }),
  });
  const take = (from: BarePod[]): BarePod | undefined => from.splice(draws.between(0, from.length - 1), 1)[0];
  const groups = () => {
    const first = draws.between(0, cluster.groupIds.length - 1);
    const count = draws.between(1, groupsPerPolicyMax);
    return Array.from({ length: count }, (_, index) => cluster.groupIds[(first + index) % cluster.groupIds.length]);
  };
  const total = () => bare.length + [...replicas.values()].reduce((sum, count) => sum + count, 0);

  // A pod without a grace period is deleted by force.
  const graceSecondsMin = isShort(options) ? 1 : 0;
  const createPod = async (pod: BarePod, command?: string) => {
    const container = { name: "main", image: "registry.k8s.io/pause:3.10" };
    await api.create({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...pod, labels: labels() },
      spec: {
        terminationGracePeriodSeconds: draws.between(graceSecondsMin, 2),
        ...(command === undefined ? {} : { restartPolicy: "Never" }),
        containers: [command === undefined ? container : { ...container, command: ["sh", "-c", command] }],
      },
    });
  };
  const createBare = async () => {
    if (total() > options.pods * 1.1) return;
    const pod = { namespace: namespace(), name: `bare-${++made}` };
    await createPod(pod);
    bare.push(pod);
  };
  const remove = async (pod: BarePod | undefined, grace?: number) => {
    if (pod !== undefined) await api.delete(refOf(pod), grace === undefined ? {} : { gracePeriodSeconds: grace });
  };
  const policyObject = (of: string, index: number, groupIds: readonly (string | undefined)[]): KubernetesObject => ({
    apiVersion: `${sgpGroup}/v1beta1`,
    kind: "SecurityGroupPolicy",
    metadata: { name: policies[index]?.name ?? "", namespace: of },
    spec: { podSelector: { matchLabels: policies[index]?.labels ?? {} }, securityGroups: { groupIds } },
  });

  const scale = async (index: number, to: number) => {
    replicas.set(String(index), to);
    await api.patch(deploymentOf(index), { type: "merge", body: { spec: { replicas: to } } });
  };
  const anyDeployment = () => draws.between(0, deploymentsCount - 1);

  return {
    begin: async () => {
      for (const of of namespaces)
        for (const index of policies.keys()) await api.create(policyObject(of, index, groups()));
      for (let index = 0; index < deploymentsCount; index += 1) {
        const { namespace: of, name } = deploymentOf(index);
        const selector = { app: name };
        replicas.set(String(index), share);
        await api.create({
          apiVersion: "apps/v1",
          kind: "Deployment",
          metadata: { name, namespace: of },
          spec: {
            replicas: share,
            selector: { matchLabels: selector },
            template: {
              metadata: {
                labels: { ...selector, role: index % 2 === 0 ? "a" : "b", tier: index % 3 === 0 ? "x" : "y" },
              },
              spec: {
                terminationGracePeriodSeconds: 1,
                containers: [{ name: "main", image: "registry.k8s.io/pause:3.10" }],
              },
            },
          },
        });
      }
      while (total() < options.pods) await createBare();
    },
    acts: {
      "create-pod": createBare,
      "delete-pod": () => remove(take(bare)),
      "force-delete-pod": () => remove(take(bare), 0),
      "recreate-pod": async () => {
        const pod = draws.one(bare);
        if (pod === undefined) return;
        await remove(pod, 0);
        await createPod(pod);
      },
      "run-to-end": async () => {
        const pod = { namespace: namespace(), name: `once-${++made}` };
        await createPod(pod, `sleep ${draws.between(0, 4)}; exit ${draws.between(0, 1)}`);
        finished.push(pod);
      },
      "sweep-finished": async () => {
        if (finished.length > finishedMax) await remove(finished.shift());
      },
      scale: async () => {
        const half = Math.ceil(share / 2);
        await scale(anyDeployment(), draws.between(half, share + half));
      },
      "roll-out": async () => {
        const annotations = { "kubectl.kubernetes.io/restartedAt": String(++rollouts) };
        const body = { spec: { template: { metadata: { annotations } } } };
        await api.patch(deploymentOf(anyDeployment()), { type: "merge", body });
      },
      "change-policy": async () => {
        const of = namespace();
        const index = draws.between(0, policies.length - 1);
        const ref = {
          group: sgpGroup,
          resource: "securitygrouppolicies",
          namespace: of,
          name: policies[index]?.name ?? "",
        };
        if (draws.next() < 0.8) {
          const body = { spec: { securityGroups: { groupIds: groups() } } };
          await api.patch(ref, { type: "merge", body });
          return;
        }
        await api.delete(ref);
        await pause(draws.between(500, 3_000));
        await api.create(policyObject(of, index, groups()));
      },
    },
  };
}
