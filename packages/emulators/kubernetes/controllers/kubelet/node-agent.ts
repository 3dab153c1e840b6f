import { isStatusError } from "../../ports.ts";
import type { Controller, ControlPlane } from "../control-plane.ts";
import { type KubernetesNode, ownedBy } from "../objects.ts";
import {
  allocatableChanges,
  initialNodeStatus,
  type NodeRegistration,
  nodeNameOf,
  nodeObject,
  zeroedExtended,
} from "./node-object.ts";

const LEASE_SECONDS = 40;
const LEASES = "kube-node-lease";

/** The kubelet's care for its own Node object. */
export interface NodeAgent extends Controller {
  /** A fault: the kubelet starts again and forgets extended resources. */
  resetCapacity(): Promise<void>;
}

/** Registers the Node (an existing one of that name is taken over, as a restarted kubelet does) and keeps it alive. */
export async function startNodeAgent(plane: ControlPlane, registration: NodeRegistration): Promise<NodeAgent> {
  const { clock, settings, caches, recorder } = plane;
  const name = nodeNameOf(registration);
  const api = plane.api.as(`system:node:${name}`);
  const nodeRef = { group: "", resource: "nodes", name };
  const leaseRef = { group: "coordination.k8s.io", resource: "leases", namespace: LEASES, name };
  const queue = plane.queue(1, (task) => (task === "heartbeat" ? heartbeat() : writeStatus()));

  /** Lease times have microseconds. */
  function renewTime(): string {
    return new Date(clock.now()).toISOString().replace("Z", "000Z");
  }

  async function register(): Promise<void> {
    try {
      await api.create(nodeObject(registration));
    } catch (error) {
      if (!isStatusError(error, "AlreadyExists")) throw error;
    }
    const status = initialNodeStatus(registration, settings.instanceShape(registration.instanceType), clock.now());
    await api.patch(nodeRef, { type: "merge", body: { status }, subresource: "status" });
  }

  async function createLease(node: KubernetesNode): Promise<void> {
    const { controller: _controller, blockOwnerDeletion: _block, ...owner } = ownedBy(node);
    await api.create({
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name, namespace: LEASES, ownerReferences: [owner] },
      spec: { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime: renewTime() },
    });
  }

  async function heartbeat(): Promise<void> {
    const node = caches.nodes.get(name);
    queue.addAfter("heartbeat", settings.heartbeatMs);
    if (node === undefined) return;
    try {
      await api.patch(leaseRef, { type: "merge", body: { spec: { renewTime: renewTime() } } });
    } catch (error) {
      if (!isStatusError(error, "NotFound")) throw error;
      await createLease(node);
    }
  }

  async function writeStatus(): Promise<void> {
    queue.addAfter("status", settings.nodeStatusMs);
    const node = caches.nodes.get(name);
    const allocatable = node === undefined ? {} : allocatableChanges(node);
    if (Object.keys(allocatable).length === 0) return;
    await api.patch(nodeRef, { type: "merge", body: { status: { allocatable } }, subresource: "status" });
  }

  await register();
  const node = caches.nodes.get(name);
  const tell = (reason: string, message: string) => {
    if (node !== undefined) {
      recorder.tell({ about: node, type: "Normal", reason, message, component: "kubelet", host: name });
    }
  };
  tell("Starting", "Starting kubelet.");
  tell("NodeReady", `Node ${name} status is now: NodeReady`);
  queue.add("heartbeat");
  queue.addAfter("status", settings.nodeStatusMs);

  return {
    stop: () => queue.stop(),
    async resetCapacity() {
      const current = caches.nodes.get(name);
      const capacity = current === undefined ? {} : zeroedExtended(current);
      if (Object.keys(capacity).length === 0) return;
      const body = { status: { capacity, allocatable: capacity } };
      await api.patch(nodeRef, { type: "merge", body, subresource: "status" });
    },
  };
}
