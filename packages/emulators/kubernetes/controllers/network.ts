/** What a node's CNI plugin stored for a pod with a branch ENI: what it told the kernel of the node. */
export interface BranchBinding {
  instanceId: string;
  eniId: string;
  vlanId: number;
  privateIp: string;
  mac: string;
}

/** A first packet from one address in the VPC to another. */
export interface Flow {
  fromAddress: string;
  toAddress: string;
  protocol: "tcp" | "udp";
  port: number;
}

/** The wire below the pods. Whoever composes the world implements it over its EC2. */
export interface Network {
  /** An address for an ordinary pod from the node's secondary addresses, or why there is none. */
  assignSecondaryAddress(instanceId: string): { address: string } | { error: string };
  releaseSecondaryAddress(instanceId: string, address: string): void;
  /** How many interfaces the instance has, and whether one of them is a trunk ENI that is attached. */
  interfacesOf(instanceId: string): { attached: number; trunk: boolean };
  /** Whether this ENI really is associated with the trunk of that instance under that VLAN ID, with that address. */
  branchIsWired(binding: BranchBinding): boolean;
  /** Whether the security groups on both sides let the packet pass. */
  reach(flow: Flow): boolean;
}
