/**
 * The fields of Kubernetes objects that the rules look at, as JSON brings them. Everything is optional, because objects
 * come from outside and a rule must not fail on one that lacks a field.
 */

/** Labels and annotations. */
export type StringMap = Readonly<Record<string, string>>;

/** See https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/. */
export interface ObjectMeta {
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: StringMap | null;
  readonly annotations?: StringMap | null;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

/** See https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/#System. */
export interface OwnerReference {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface ContainerObject {
  readonly name?: string;
  readonly resources?: {
    readonly limits?: Readonly<Record<string, string | number>> | null;
    readonly requests?: Readonly<Record<string, string | number>> | null;
  } | null;
}

export interface PodObject {
  readonly metadata?: ObjectMeta;
  readonly spec?: {
    readonly nodeName?: string;
    readonly hostNetwork?: boolean;
    readonly serviceAccountName?: string;
    readonly nodeSelector?: StringMap | null;
    readonly os?: { readonly name?: string } | null;
    readonly terminationGracePeriodSeconds?: number;
    readonly containers?: readonly ContainerObject[] | null;
  };
  readonly status?: {
    readonly phase?: string;
    readonly containerStatuses?: readonly { readonly state?: { readonly running?: unknown } }[];
  };
}

export interface NodeObject {
  readonly metadata?: ObjectMeta;
  readonly spec?: { readonly providerID?: string };
  readonly status?: { readonly capacity?: Readonly<Record<string, string>> };
}

/** A CNINode, `vpcresources.k8s.aws/v1alpha1`. */
export interface CniNodeObject {
  readonly metadata?: ObjectMeta;
  readonly spec?: {
    readonly features?: readonly CniNodeFeature[] | null;
    readonly tags?: StringMap | null;
  };
}

export interface CniNodeFeature {
  readonly name?: string;
  readonly value?: string;
}

/** An ENIConfig, `crd.k8s.amazonaws.com/v1alpha1`. */
export interface EniConfigObject {
  readonly metadata?: ObjectMeta;
  readonly spec?: { readonly subnet?: string; readonly securityGroups?: readonly string[] | null };
}

/** A SecurityGroupPolicy, `vpcresources.k8s.aws/v1beta1`. */
export interface SecurityGroupPolicyObject {
  readonly metadata?: ObjectMeta;
  readonly spec?: {
    readonly podSelector?: LabelSelector | null;
    readonly serviceAccountSelector?: LabelSelector | null;
    readonly securityGroups?: { readonly groupIds?: readonly string[] | null } | null;
  };
}

/** See https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/label-selector/. */
export interface LabelSelector {
  readonly matchLabels?: StringMap | null;
  readonly matchExpressions?: readonly LabelSelectorRequirement[] | null;
}

export interface LabelSelectorRequirement {
  readonly key?: string;
  readonly operator?: string;
  readonly values?: readonly string[] | null;
}
