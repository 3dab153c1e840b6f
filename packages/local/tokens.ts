import type { StaticToken } from "@trunkline/emulator-kubernetes";

/** The bearer token by which the forwarder is known to the emulated API server. It opens nothing else. */
export const forwarderToken = "local-forwarder";

/** Bearer tokens of the emulated API server. EKS's own guard of the annotation admits the forwarder's name. */
export const kubernetesTokens: readonly StaticToken[] = [
  { token: forwarderToken, user: "system:serviceaccount:kube-system:vpc-resource-controller" },
];
