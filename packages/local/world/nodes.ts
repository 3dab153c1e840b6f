import { SendMessageCommand } from "@aws-sdk/client-sqs";
import type { Ec2Emulator, InstanceStateChangeEvent } from "@trunkline/emulator-ec2";
import type { Controllers } from "@trunkline/emulator-kubernetes/controllers";
import { instanceEventPattern, sharedQueueName } from "@trunkline/runtime/names";
import { matchesPattern } from "../event-bus.ts";
import { localStage, type QueueServer } from "../queues.ts";
import { localSqsClient } from "../sqs-client.ts";

/** What nodes need to join the cluster and to leave it. */
export interface NodeWorld {
  readonly cluster: string;
  readonly ec2: Ec2Emulator;
  readonly controllers: Controllers;
  readonly queues: QueueServer;
  readonly onError: (error: unknown) => void;
}

/** The nodes of the emulated cluster, as its instances come and go. */
export interface ClusterNodes {
  /** Resolves with the names of these instances' nodes once all have joined. */
  joined(instanceIds: readonly string[]): Promise<readonly string[]>;
  /** Ends the delivery of EC2's events, the joining and the leaving. */
  stop(): void;
}

/** Does what EventBridge does when an instance changes its state: delivers what the deployed pattern lets through. */
export function deliverStateChanges({ ec2, queues, onError }: Pick<NodeWorld, "ec2" | "queues" | "onError">): {
  stop(): void;
} {
  const sqs = localSqsClient({ sqs: queues.url, region: ec2.model().region });
  const deliver = async (event: InstanceStateChangeEvent) => {
    if (!matchesPattern({ ...event }, instanceEventPattern)) return;
    const QueueUrl = queues.queueUrl(sharedQueueName(localStage, "instance-events"));
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(event) }));
  };
  const end = ec2.model().onInstanceStateChange((event) => {
    deliver(event).catch(onError);
  });
  return {
    stop: () => {
      end();
      sqs.destroy();
    },
  };
}

/**
 * Follows the instances: the account's events are delivered; an instance that runs and carries the cluster's tag joins as its user
 * data would have it; and the cloud's node controller removes the Node of an instance that is terminated.
 */
export function followInstances(world: NodeWorld): ClusterNodes {
  const { ec2, queues, onError } = world;
  const names = new Map<string, PromiseWithResolvers<string>>();
  const joining = (instanceId: string) => {
    const known = names.get(instanceId) ?? Promise.withResolvers<string>();
    names.set(instanceId, known);
    return known;
  };
  const follow = async (event: InstanceStateChangeEvent) => {
    const instanceId = event.detail["instance-id"];
    if (event.detail.state === "running") await join(world, instanceId, joining);
    if (event.detail.state === "terminated") await leave(world, instanceId, names);
  };
  const deliveries = deliverStateChanges({ ec2, queues, onError });
  const end = ec2.model().onInstanceStateChange((event) => {
    follow(event).catch(onError);
  });
  return {
    joined: (instanceIds) => Promise.all(instanceIds.map((instanceId) => joining(instanceId).promise)),
    stop: () => {
      end();
      deliveries.stop();
    },
  };
}

async function join(
  { cluster, controllers, ec2 }: NodeWorld,
  instanceId: string,
  joining: (instanceId: string) => PromiseWithResolvers<string>,
): Promise<void> {
  const instance = ec2
    .model()
    .state()
    .instances.find(({ InstanceId }) => InstanceId === instanceId);
  const tagged = instance?.Tags?.some(({ Key }) => Key === `kubernetes.io/cluster/${cluster}`);
  if (!tagged || !instance?.PrivateIpAddress) return;
  const name = await controllers.registerNode({
    instanceId,
    privateIp: instance.PrivateIpAddress,
    instanceType: instance.InstanceType ?? "",
    availabilityZone: instance.Placement?.AvailabilityZone ?? "",
  });
  joining(instanceId).resolve(name);
}

async function leave(
  { controllers }: NodeWorld,
  instanceId: string,
  names: Map<string, PromiseWithResolvers<string>>,
): Promise<void> {
  const name = await names.get(instanceId)?.promise;
  if (name === undefined || !names.delete(instanceId)) return;
  await controllers.deregisterNode(name);
}
