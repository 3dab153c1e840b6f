import type {
  Instance,
  NetworkInterface,
  SecurityGroup,
  Subnet,
  TrunkInterfaceAssociation,
  Vpc,
} from "@aws-sdk/client-ec2";
import { instanceView } from "./instance-view.ts";
import { interfaceView } from "./interface-view.ts";
import { groupView } from "./security-groups.ts";
import { subnetView } from "./subnets.ts";
import { associationView } from "./trunk-associations.ts";
import { vpcView } from "./vpcs.ts";
import type { World } from "./world.ts";

/** Everything that exists, in the shapes of the API. */
export interface Ec2State {
  readonly vpcs: readonly Vpc[];
  readonly subnets: readonly Subnet[];
  readonly securityGroups: readonly SecurityGroup[];
  readonly instances: readonly Instance[];
  readonly networkInterfaces: readonly NetworkInterface[];
  readonly associations: readonly TrunkInterfaceAssociation[];
}

/** The truth of this moment, without the delays of describes. */
export function dumpState(world: World): Ec2State {
  return {
    vpcs: [...world.vpcs.values()].map((record) => vpcView(world, record)),
    subnets: [...world.subnets.values()].map((record) => subnetView(world, record)),
    securityGroups: [...world.groups.values()].map((record) => groupView(world, record)),
    instances: [...world.instances.values()].map((record) => instanceView(world, record)),
    networkInterfaces: [...world.interfaces.values()].map((record) => interfaceView(world, record)),
    associations: [...world.associations.values()].map(associationView),
  };
}
