import type {
  AttachNetworkInterfaceRequest,
  AttachNetworkInterfaceResult,
  DetachNetworkInterfaceRequest,
} from "@aws-sdk/client-ec2";
import { Ec2Error, invalidCombination, invalidValue, required } from "./errors.ts";
import { notFound, wellFormed } from "./ids.ts";
import { limitsOf, type TypeLimits } from "./instance-types.ts";
import type { AttachmentRecord, InstanceRecord, InterfaceRecord } from "./records.ts";
import { known, later, lookUp, type World } from "./world.ts";

/** Where an interface shall sit. */
export interface Place {
  readonly deviceIndex: number;
  readonly networkCardIndex: number;
  readonly deleteOnTermination: boolean;
}

/** `AttachNetworkInterface`. The attachment is `attaching` for a while, then `attached`. */
export function attachNetworkInterface(
  world: World,
  input: AttachNetworkInterfaceRequest,
): AttachNetworkInterfaceResult {
  const interfaceId = required(input.NetworkInterfaceId, "networkInterfaceId");
  const networkInterface = lookUp(world.interfaces, "networkInterface", interfaceId);
  const instance = lookUp(world.instances, "instance", required(input.InstanceId, "instanceId"));
  const deviceIndex = required(input.DeviceIndex, "deviceIndex");
  if (instance.state !== "running" && instance.state !== "stopped") {
    throw new Ec2Error("IncorrectState", `Instance '${instance.id}' is not 'running' or 'stopped'.`);
  }
  const networkCardIndex = input.NetworkCardIndex ?? 0;
  const attachment = putOn(world, instance, networkInterface, {
    deviceIndex,
    networkCardIndex,
    deleteOnTermination: false,
  });
  return { AttachmentId: attachment.id, NetworkCardIndex: networkCardIndex };
}

/** `DetachNetworkInterface`. The interface becomes `available` after a while; a trunk keeps its associations. */
export function detachNetworkInterface(world: World, input: DetachNetworkInterfaceRequest): object {
  const attachmentId = wellFormed("attachment", required(input.AttachmentId, "attachmentId"));
  const interfaceId = world.attachments.get(attachmentId);
  if (interfaceId === undefined) throw notFound("attachment", attachmentId);
  const networkInterface = known(world.interfaces, interfaceId);
  const { attachment } = networkInterface;
  if (!attachment) throw notFound("attachment", attachmentId);
  if (attachment.deviceIndex === 0 && attachment.networkCardIndex === 0) {
    throw new Ec2Error(
      "OperationNotPermitted",
      "The network interface at device index 0 and networkCard index 0 cannot be detached.",
    );
  }
  if (attachment.status === "detaching") {
    throw new Ec2Error("IncorrectState", `The attachment '${attachmentId}' is already being detached.`);
  }
  attachment.status = "detaching";
  later(world, world.config.transitions.detachingMs, () => {
    if (networkInterface.attachment === attachment) takeOff(world, networkInterface);
  });
  return {};
}

/** Puts an interface on an instance, if EC2 allows it there. */
export function putOn(
  world: World,
  instance: InstanceRecord,
  networkInterface: InterfaceRecord,
  place: Place,
): AttachmentRecord {
  if (networkInterface.attachment || networkInterface.associationId) {
    throw new Ec2Error("InvalidNetworkInterface.InUse", `Interface: [${networkInterface.id}] in use.`);
  }
  if (networkInterface.zone !== instance.zone) {
    throw invalidCombination(
      "You may not attach a network interface to an instance if they are not in the same availability zone",
    );
  }
  if (networkInterface.vpcId !== instance.vpcId) {
    throw invalidCombination("The network interface and the instance are not in the same VPC");
  }
  checkRoom(world, instance, networkInterface, place);
  const attachment: AttachmentRecord = {
    ...place,
    id: world.ids.next("eni-attach"),
    instanceId: instance.id,
    attachedAtMs: world.clock.now(),
    status: "attaching",
  };
  networkInterface.attachment = attachment;
  world.attachments.set(attachment.id, networkInterface.id);
  instance.interfaceIds.add(networkInterface.id);
  later(world, world.config.transitions.attachingMs, () => {
    if (attachment.status === "attaching") attachment.status = "attached";
  });
  return attachment;
}

/** Takes an interface off its instance at once. */
export function takeOff(world: World, networkInterface: InterfaceRecord): void {
  const { attachment } = networkInterface;
  if (!attachment) return;
  attachment.status = "detached";
  world.attachments.delete(attachment.id);
  world.instances.get(attachment.instanceId)?.interfaceIds.delete(networkInterface.id);
  networkInterface.attachment = undefined;
}

function checkRoom(world: World, instance: InstanceRecord, wanted: InterfaceRecord, place: Place): void {
  const limits = limitsOf(instance.type);
  if (!limits) throw new Error(`The model lost the instance type ${instance.type}.`);
  const count = instance.interfaceIds.size + 1;
  if (count > limits.interfacesMax) {
    throw new Ec2Error("AttachmentLimitExceeded", `Interface count ${count} exceeds the limit for ${instance.type}`);
  }
  checkPlace(limits, place);
  for (const id of instance.interfaceIds) {
    const taken = known(world.interfaces, id).attachment;
    if (taken?.deviceIndex === place.deviceIndex && taken.networkCardIndex === place.networkCardIndex) {
      throw invalidValue(
        `Instance '${instance.id}' already has an interface attached at device index '${place.deviceIndex}'.`,
      );
    }
  }
  if (wanted.addresses.length > limits.ipv4PerInterfaceMax) {
    throw new Ec2Error("PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit.");
  }
  if (wanted.type === "trunk") checkTrunk(world, instance, limits, wanted);
}

function checkPlace(limits: TypeLimits, { deviceIndex, networkCardIndex }: Place): void {
  if (networkCardIndex < 0 || networkCardIndex >= limits.networkCards) {
    throw invalidValue(`Network card index ${networkCardIndex} exceeds the limit for ${limits.id}.`);
  }
  if (deviceIndex < 0 || deviceIndex >= limits.firstCardInterfacesMax) {
    throw invalidValue(`Device index ${deviceIndex} exceeds the limit for ${limits.id}.`);
  }
}

function checkTrunk(world: World, instance: InstanceRecord, limits: TypeLimits, trunk: InterfaceRecord): void {
  if (limits.branchesMax === undefined) {
    throw invalidValue(`Instance '${instance.id}' of type ${instance.type} does not support trunk network interfaces.`);
  }
  const branches = world.trunks.get(trunk.id)?.size ?? 0;
  if (branches > limits.branchesMax) {
    throw new Ec2Error(
      "AttachmentLimitExceeded",
      `Branch interface count ${branches} exceeds the limit for ${instance.type}`,
    );
  }
}
