import { makePod } from "../reflector/pods.ts";

/** Applications; each has a namespace, a ServiceAccount and policies of every kind of selector. */
export const apps = 250;
const crowd = "crowd";

/** Half of the applications share one namespace, the others have twenty together. */
export const namespaceOf = (app: number): string => (app % 2 === 0 ? crowd : `team-${app % 20}`);

/** Every namespace of an application. */
export const namespaces: readonly string[] = [...new Set(Array.from({ length: apps }, (_, app) => namespaceOf(app)))];

const nameOf = (app: number): string => `app-${app}`;

/** The labels of a ServiceAccount of an application. */
export const accountOf = (app: number): object => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name: nameOf(app), namespace: namespaceOf(app), labels: { owner: nameOf(app) } },
});

/** The four policies of an application, 1,000 in all: by labels, by expressions, by ServiceAccount, and by both. */
export const policiesOf = (app: number): readonly object[] => {
  const name = nameOf(app);
  const matchLabels = { app: name };
  const selectors = [
    { podSelector: { matchLabels } },
    {
      podSelector: {
        matchExpressions: [
          { key: "app", operator: "In", values: [name, `${name}-canary`] },
          { key: "tier", operator: "Exists" },
          { key: "experiment", operator: "DoesNotExist" },
        ],
      },
    },
    { serviceAccountSelector: { matchLabels: { owner: name } } },
    {
      podSelector: { matchLabels, matchExpressions: [{ key: "tier", operator: "NotIn", values: ["batch", "test"] }] },
      serviceAccountSelector: { matchExpressions: [{ key: "owner", operator: "In", values: [name] }] },
    },
  ];
  return selectors.map((selector, index) => ({
    apiVersion: "vpcresources.k8s.aws/v1beta1",
    kind: "SecurityGroupPolicy",
    metadata: { name: `${name}-${index}`, namespace: namespaceOf(app) },
    spec: { ...selector, securityGroups: { groupIds: [`sg-${String(app * 4 + index + 10_000_000)}`] } },
  }));
};

/** Of so many pods in a row one matches no policy. */
const perStranger = 5;

/** Whether a pod matches policies. */
export const isMatched = (index: number): boolean => index % perStranger !== 0;

/** The review of a pod of about 10 kB that is created, as an API server sends it. */
export const reviewOf = (index: number): string => {
  const app = index % apps;
  const {
    metadata,
    spec,
    status: _,
    ...pod
  } = makePod({ index: index * 4 + 1, generation: 0 }, { nodes: 1, isNew: true }) as {
    metadata: { labels: object };
    spec: object;
    status: unknown;
  };
  const own = isMatched(index) ? { app: nameOf(app), tier: "web" } : { app: "stranger" };
  const namespace = namespaceOf(app);
  const object = {
    ...pod,
    metadata: { ...metadata, namespace, labels: { ...metadata.labels, ...own } },
    spec: { ...spec, nodeName: undefined, serviceAccountName: isMatched(index) ? nameOf(app) : "default" },
  };
  const kind = { group: "", version: "v1", kind: "Pod" };
  const resource = { group: "", version: "v1", resource: "pods" };
  return JSON.stringify({
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    request: {
      uid: `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      namespace,
      operation: "CREATE",
      userInfo: {
        username: "system:serviceaccount:kube-system:replicaset-controller",
        groups: ["system:authenticated"],
      },
      object,
      oldObject: null,
      dryRun: false,
      options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1" },
    },
  });
};
