/** The forwarder's user: EKS's own guard of the annotation admits this name. */
export const forwarderUser = "system:serviceaccount:kube-system:vpc-resource-controller";

/** The bearer token by which the forwarder is known to the emulated API server. It opens nothing else. */
export const forwarderToken = "local-forwarder";

/** Bearer tokens of the emulated API server, by user. */
export const kubernetesTokens: Readonly<Record<string, string>> = { [forwarderToken]: forwarderUser };
