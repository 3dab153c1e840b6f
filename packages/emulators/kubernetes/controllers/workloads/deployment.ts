import { type Controller, type ControlPlane, ownerIndex } from "../control-plane.ts";
import { canonicalJson, controllerOf, type Deployment, keyOf, nameOf, ownedBy, type ReplicaSet } from "../objects.ts";
import { planRollout, revisionOf, rollingLimits, type Scaling } from "./deployment-plan.ts";
import { deploymentStatus, progressDeadlineMs } from "./deployment-status.ts";
import { POD_TEMPLATE_HASH, templateHash } from "./template-hash.ts";

const REVISION = "deployment.kubernetes.io/revision";
const DESIRED = "deployment.kubernetes.io/desired-replicas";
const MAXIMUM = "deployment.kubernetes.io/max-replicas";
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

function sizeAnnotations(deployment: Deployment): Record<string, string> {
  const { replicas = 1 } = deployment.spec;
  return { [DESIRED]: String(replicas), [MAXIMUM]: String(replicas + rollingLimits(deployment).surge) };
}

/** The ReplicaSet of the present template. */
export function replicaSetFor(deployment: Deployment, replicas: number, revision: number): ReplicaSet {
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = templateHash(template);
  const labels = { ...template.metadata?.labels, [POD_TEMPLATE_HASH]: hash };
  const { [LAST_APPLIED]: _text, ...inherited } = deployment.metadata.annotations ?? {};
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${nameOf(deployment)}-${hash}`,
      ...(deployment.metadata.namespace !== undefined && { namespace: deployment.metadata.namespace }),
      labels,
      annotations: { ...inherited, ...sizeAnnotations(deployment), [REVISION]: String(revision) },
      ownerReferences: [ownedBy(deployment)],
    },
    spec: {
      replicas,
      ...(minReadySeconds !== undefined && { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [POD_TEMPLATE_HASH]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** Runs Deployments: one step of the rollout after each change of the Deployment or of its ReplicaSets. */
export function startDeploymentController(plane: ControlPlane): Controller {
  const { caches, clock, recorder } = plane;
  const api = plane.api.as("system:serviceaccount:kube-system:deployment-controller");
  const queue = plane.queue(4, reconcile);

  caches.deployments.onChange(({ object }) => queue.add(keyOf(object)));
  caches.replicaSets.onChange(({ object }) => {
    const owner = controllerOf(object);
    if (owner?.kind === "Deployment") queue.add(`${object.metadata.namespace}/${owner.name}`);
  });

  function tell(deployment: Deployment, name: string, from: number, to: number): void {
    const message = `Scaled ${to > from ? "up" : "down"} replica set ${name} from ${from} to ${to}`;
    const component = "deployment-controller";
    recorder.tell({ about: deployment, type: "Normal", reason: "ScalingReplicaSet", message, component });
  }

  function refTo(replicaSet: ReplicaSet) {
    const namespace = replicaSet.metadata.namespace ?? "";
    return { group: "apps", resource: "replicasets", namespace, name: nameOf(replicaSet) };
  }

  async function scale(deployment: Deployment, { replicaSet, from, to }: Scaling): Promise<void> {
    const body = { metadata: { annotations: sizeAnnotations(deployment) }, spec: { replicas: to } };
    await api.patch(refTo(replicaSet), { type: "merge", body });
    tell(deployment, nameOf(replicaSet), from, to);
  }

  /** A rollback makes an old template the present one: its ReplicaSet then carries the newest revision. */
  async function settleRevision(deployment: Deployment, replicaSets: ReplicaSet[], current: ReplicaSet): Promise<void> {
    const newestOther = Math.max(0, ...replicaSets.filter((other) => other !== current).map(revisionOf));
    const revision = revisionOf(current) > newestOther ? revisionOf(current) : newestOther + 1;
    const body = { metadata: { annotations: { [REVISION]: String(revision) } } };
    if (revision !== revisionOf(current)) await api.patch(refTo(current), { type: "merge", body });
    if (revision === revisionOf(deployment)) return;
    const { namespace = "" } = deployment.metadata;
    const ref = { group: "apps", resource: "deployments", namespace, name: nameOf(deployment) };
    await api.patch(ref, { type: "merge", body });
  }

  async function writeStatus(deployment: Deployment, replicaSets: ReplicaSet[], current: ReplicaSet | undefined) {
    const status = deploymentStatus(deployment, replicaSets, current, clock.now());
    const deadlineMs = progressDeadlineMs(deployment, status);
    if (deadlineMs !== undefined) queue.addAfter(keyOf(deployment), Math.max(0, deadlineMs - clock.now()));
    if (canonicalJson(status) === canonicalJson(deployment.status ?? {})) return;
    const { namespace = "" } = deployment.metadata;
    const ref = { group: "apps", resource: "deployments", namespace, name: nameOf(deployment) };
    await api.patch(ref, { type: "merge", body: { status }, subresource: "status" });
  }

  async function reconcile(key: string): Promise<void> {
    const deployment = caches.deployments.get(key);
    if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return;
    const replicaSets = caches.replicaSets.indexed(ownerIndex(deployment.metadata.uid ?? ""));
    const step = planRollout(deployment, replicaSets);
    if (step.create !== undefined) {
      const revision = Math.max(0, ...replicaSets.map(revisionOf)) + 1;
      const made = replicaSetFor(deployment, step.create.replicas, revision);
      await api.create(made);
      tell(deployment, nameOf(made), 0, step.create.replicas);
      return;
    }
    if (step.current !== undefined) await settleRevision(deployment, replicaSets, step.current);
    for (const scaling of step.scalings) await scale(deployment, scaling);
    for (const replicaSet of step.prune) await api.delete(refTo(replicaSet));
    await writeStatus(caches.deployments.get(key) ?? deployment, replicaSets, step.current);
  }

  return { stop: () => queue.stop() };
}
