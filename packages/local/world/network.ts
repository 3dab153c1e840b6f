import { Ec2Error, type Ec2Model } from "@trunkline/emulator-ec2";
import type { BranchBinding, Flow, Network } from "@trunkline/emulator-kubernetes/controllers";

const none = "no available IP addresses on the interfaces of this node";

/** The wire below the pods: EC2's own truth about addresses, associations and security groups. */
export function createNetwork(ec2: Ec2Model): Network {
  const interfaces = () => ec2.state().networkInterfaces;
  const ofInstance = (instanceId: string) =>
    interfaces()
      .filter(({ Attachment, InterfaceType }) => Attachment?.InstanceId === instanceId && InterfaceType !== "trunk")
      .sort((left, right) => (left.Attachment?.DeviceIndex ?? 0) - (right.Attachment?.DeviceIndex ?? 0));

  return {
    assignSecondaryAddress(instanceId) {
      for (const eni of ofInstance(instanceId)) {
        const address = assign(ec2, eni.NetworkInterfaceId ?? "");
        if (address) return { address };
      }
      return { error: none };
    },
    releaseSecondaryAddress(instanceId, address) {
      const owner = ofInstance(instanceId).find(({ PrivateIpAddresses }) =>
        PrivateIpAddresses?.some(({ PrivateIpAddress }) => PrivateIpAddress === address),
      );
      if (!owner?.NetworkInterfaceId) return;
      ec2.perform("UnassignPrivateIpAddresses", {
        NetworkInterfaceId: owner.NetworkInterfaceId,
        PrivateIpAddresses: [address],
      });
    },
    interfacesOf: (instanceId) => {
      const attached = interfaces().filter(({ Attachment }) => Attachment?.InstanceId === instanceId);
      const isTrunk = ({ InterfaceType, Attachment }: (typeof attached)[number]) =>
        InterfaceType === "trunk" && Attachment?.Status === "attached";
      return { attached: attached.length, trunk: attached.some(isTrunk) };
    },
    branchIsWired: (binding) => isWired(ec2, binding),
    reach: ({ fromAddress, toAddress, protocol, port }: Flow) =>
      ec2.reach({ from: fromAddress, to: toAddress, protocol, port }).allowed,
  };
}

/** The plugin on the node takes one more address of an interface, as long as the instance type has any. */
function assign(ec2: Ec2Model, networkInterfaceId: string): string | undefined {
  try {
    const answer = ec2.perform("AssignPrivateIpAddresses", {
      NetworkInterfaceId: networkInterfaceId,
      SecondaryPrivateIpAddressCount: 1,
    });
    return answer.AssignedPrivateIpAddresses?.[0]?.PrivateIpAddress;
  } catch (error) {
    if (!(error instanceof Ec2Error)) throw error;
    // The interface or the subnet is full: the caller looks at the next one, and says so when there is none.
    return undefined;
  }
}

function isWired(ec2: Ec2Model, binding: BranchBinding): boolean {
  const { associations, networkInterfaces } = ec2.state();
  const association = associations.find(({ BranchInterfaceId }) => BranchInterfaceId === binding.eniId);
  if (association?.VlanId !== binding.vlanId) return false;
  const branch = networkInterfaces.find(({ NetworkInterfaceId }) => NetworkInterfaceId === binding.eniId);
  const trunk = networkInterfaces.find(({ NetworkInterfaceId }) => NetworkInterfaceId === association.TrunkInterfaceId);
  return (
    trunk?.Attachment?.InstanceId === binding.instanceId &&
    branch?.PrivateIpAddress === binding.privateIp &&
    branch?.MacAddress === binding.mac
  );
}
