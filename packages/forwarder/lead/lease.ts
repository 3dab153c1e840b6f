import { isSuccess, type KubernetesApi, refusalOf } from "../ports/api.ts";

/** A Lease as the forwarder reads and writes it; what it does not know is kept. */
export interface LeaseObject {
  readonly apiVersion: "coordination.k8s.io/v1";
  readonly kind: "Lease";
  readonly metadata: { readonly namespace: string; readonly name: string; readonly resourceVersion?: string };
  readonly spec?: LeaseSpec;
}

/** See https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/. */
export interface LeaseSpec {
  /** Empty or absent when nobody holds it. */
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly acquireTime?: string | null;
  readonly renewTime?: string | null;
  readonly leaseTransitions?: number | null;
}

export interface LeaseName {
  readonly namespace: string;
  readonly name: string;
}

/** What came of a write. */
export type LeaseWrite = { readonly ok: true; readonly lease: LeaseObject } | { readonly ok: false };

/** The Lease behind the API server. Everything rejects with the reason when it was refused or there was no answer. */
export interface LeaseStore {
  /** Undefined when there is none. */
  read(): Promise<LeaseObject | undefined>;
  /** Creates or replaces it; not ok when somebody else wrote it meanwhile. */
  write(spec: LeaseSpec, before: LeaseObject | undefined): Promise<LeaseWrite>;
}

const collectionOf = ({ namespace }: LeaseName) => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;

export const createLeaseStore = (api: KubernetesApi, { namespace, name }: LeaseName): LeaseStore => {
  const collection = collectionOf({ namespace, name });
  const path = `${collection}/${name}`;
  return {
    read: async () => {
      const answer = await api.request({ method: "GET", path });
      if (answer.status === 404) return undefined;
      if (!isSuccess(answer)) throw new Error(refusalOf(answer));
      return answer.body as LeaseObject;
    },
    write: async (spec, before) => {
      const body: LeaseObject =
        before === undefined
          ? { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { namespace, name }, spec }
          : { ...before, spec: { ...before.spec, ...spec } };
      const answer = await api.request(
        before === undefined ? { method: "POST", path: collection, body } : { method: "PUT", path, body },
      );
      if (answer.status === 409) return { ok: false };
      if (!isSuccess(answer)) throw new Error(refusalOf(answer));
      return { ok: true, lease: answer.body as LeaseObject };
    },
  };
};

/** A `MicroTime` of Kubernetes, which has exactly six digits after the point. */
export const microTime = (epochMilliseconds: number): string =>
  new Date(epochMilliseconds).toISOString().replace("Z", "000Z");
