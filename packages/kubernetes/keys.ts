/**
 * Names that the Amazon VPC CNI plugin, EKS and existing manifests know.
 * Source: https://github.com/aws/amazon-vpc-resource-controller-k8s/blob/master/pkg/config/type.go
 */

/** Extended resource on containers and nodes, and the annotation on pods. */
export const podEniKey = "vpc.amazonaws.com/pod-eni";
/** Label of nodes: asks for a trunk when a person or the CNI plugin set it, tells of one when we did. */
export const trunkLabel = "vpc.amazonaws.com/has-trunk-attached";
/** Annotation of nodes whose {@link trunkLabel} is our status and therefore no request. */
export const trunkLabelMark = "trunkline/has-trunk-attached";
/**
 * Annotation of nodes whose trunk is ready: the version that a ControllerVersionNotice told them. It lets a forwarder that
 * has started anew repeat nothing, and know which nodes it has to put back when they are no longer managed.
 */
export const controllerVersionMark = "trunkline/controller-version";
/**
 * Annotation of nodes whose trunk is ready: what their CNINode asked for. The CNI plugin asks once, so that a CNINode which
 * somebody deletes while no forwarder looks would else come back asking for nothing.
 */
export const cniNodeFeaturesMark = "trunkline/cninode-features";
/** Label of nodes: the ENIConfig of custom networking. */
export const eniConfigLabel = "vpc.amazonaws.com/eniConfig";
/** Label of nodes: the operating system. */
export const osLabel = "kubernetes.io/os";
/** Label of nodes of EKS that run somewhere else than on an instance of the account. */
export const computeTypeLabel = "eks.amazonaws.com/compute-type";
/** Label of pods that run on Fargate. */
export const fargateProfileLabel = "eks.amazonaws.com/fargate-profile";
/** Annotation of Fargate pods: group IDs joined by commas. */
export const fargateGroupsKey = "fargate.amazonaws.com/pod-sg";
/** Annotation that the kubelet puts on the mirror of a static pod. */
export const mirrorPodKey = "kubernetes.io/config.mirror";

/** Feature of a CNINode: the node asks for a trunk. */
export const podGroupsFeature = "SecurityGroupsForPods";
/** Feature of a CNINode: its value is the name of an ENIConfig. */
export const customNetworkingFeature = "CustomNetworking";
/** Finalizer of the CNINodes that we create. */
export const cniNodeFinalizer = "networking.k8s.aws/resource-cleanup";

/** The only user that may change the annotation {@link podEniKey}. */
export const forwarderUser = "system:serviceaccount:kube-system:vpc-resource-controller";
/** The CNI plugin's user. */
export const awsNodeUser = "system:serviceaccount:kube-system:aws-node";
/** Source component of our events, so that existing alerts work. */
export const eventComponent = "vpc-resource-controller";
