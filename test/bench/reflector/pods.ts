import { digits, type Json, managedFields, nodeName, time, uuid } from "./metadata.ts";

/** One of so many pods or nodes. */
export interface Numbered {
  readonly index: number;
  /** How often it was replaced before. */
  readonly generation: number;
}

const namespaces = 50;
const deploymentPods = 20;
/** One pod of so many asks for a branch ENI. */
const perEniPod = 4;
const containers = ["app", "istio-proxy"] as const;

/** The namespace of a pod. */
export const namespaceOf = (index: number): string => `team-${(Math.floor(index / deploymentPods) % namespaces) + 1}`;

/** Every namespace. */
export const namespaceNames: readonly string[] = Array.from({ length: namespaces }, (_, index) => `team-${index + 1}`);

/** Whether a pod asks for a branch ENI. */
export const wantsEni = (index: number): boolean => index % perEniPod === 0;

/** The UID of a pod. */
export const podUid = ({ index, generation }: Numbered): string => uuid(generation * 10_000_000 + index);

const container = (name: string, index: number): Json => ({
  name,
  image: `123456789012.dkr.ecr.us-west-2.amazonaws.com/platform/${name}:1.${index % 40}.0-${digits(index % 40, 12)}`,
  imagePullPolicy: "IfNotPresent",
  ports: [
    { containerPort: 8080, name: "http", protocol: "TCP" },
    { containerPort: 9090, name: "metrics", protocol: "TCP" },
  ],
  env: [
    ...Array.from({ length: 9 }, (_, variable) => ({
      name: `SERVICE_SETTING_${variable}`,
      value: `https://setting-${variable}.${namespaceOf(index)}.svc.cluster.local:8443/v1`,
    })),
    { name: "POD_NAME", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } },
    { name: "PASSWORD", valueFrom: { secretKeyRef: { key: "password", name: "database-credentials" } } },
  ],
  livenessProbe: probe("/healthz"),
  readinessProbe: probe("/readyz"),
  resources: {
    limits: { memory: "1Gi", ...(name === "app" && wantsEni(index) ? { "vpc.amazonaws.com/pod-eni": "1" } : {}) },
    requests: {
      cpu: "250m",
      memory: "512Mi",
      ...(name === "app" && wantsEni(index) ? { "vpc.amazonaws.com/pod-eni": "1" } : {}),
    },
  },
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] }, readOnlyRootFilesystem: true },
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
  volumeMounts: ["config", "tmp", "kube-api-access"].map((volume) => ({ mountPath: `/mnt/${volume}`, name: volume })),
});

const probe = (path: string): Json => ({
  failureThreshold: 3,
  httpGet: { path, port: "http", scheme: "HTTP" },
  initialDelaySeconds: 5,
  periodSeconds: 10,
  successThreshold: 1,
  timeoutSeconds: 1,
});

const volumes: readonly Json[] = [
  { name: "config", configMap: { defaultMode: 420, name: "app-config" } },
  { name: "tmp", emptyDir: {} },
  {
    name: "kube-api-access",
    projected: {
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
        { configMap: { items: [{ key: "ca.crt", path: "ca.crt" }], name: "kube-root-ca.crt" } },
        {
          downwardAPI: {
            items: [{ fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" }, path: "namespace" }],
          },
        },
      ],
    },
  },
];

const annotationOf = (index: number): string =>
  JSON.stringify([
    {
      eniId: `eni-${digits(index, 17)}`,
      ifAddress: digits(index, 12).replaceAll(/(..)(?=.)/g, "$1:"),
      privateIp: `10.${index & 255}.${(index >> 8) & 255}.7`,
      ipv6Addr: "",
      vlanId: (index % 100) + 1,
      subnetCidr: "10.0.0.0/16",
      subnetV6Cidr: "",
      associationID: `trunk-assoc-${digits(index + 1, 17)}`,
    },
  ]);

/** A pod that runs; without its ENI's annotation when `isNew`. */
export const makePod = (numbered: Numbered, options: { nodes: number; isNew: boolean }): Json => {
  const { index, generation } = numbered;
  const deployment = Math.floor(index / deploymentPods);
  const hash = digits(deployment + generation * 1_000_000, 10);
  const name = `service-${deployment}-${hash}-${digits(index + generation * 1_000_000, 5)}`;
  const condition = (type: string) => ({ type, status: "True", lastProbeTime: null, lastTransitionTime: time });
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      generateName: `service-${deployment}-${hash}-`,
      namespace: namespaceOf(index),
      uid: podUid(numbered),
      creationTimestamp: time,
      labels: {
        app: `service-${deployment}`,
        "app.kubernetes.io/version": `1.${deployment % 40}.0`,
        "pod-template-hash": hash,
        role: wantsEni(index) ? "db" : "web",
        team: namespaceOf(index),
      },
      annotations: {
        "kubernetes.io/config.seen": time,
        "prometheus.io/scrape": "true",
        "sidecar.istio.io/status": JSON.stringify({
          initContainers: ["istio-init"],
          containers: ["istio-proxy"],
          revision: digits(deployment, 40),
        }),
        "kubectl.kubernetes.io/restartedAt": time,
        "checksum/config": digits(deployment, 64),
        ...(wantsEni(index) && !options.isNew ? { "vpc.amazonaws.com/pod-eni": annotationOf(index) } : {}),
      },
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          name: `service-${deployment}-${hash}`,
          uid: uuid(deployment),
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: managedFields(),
    },
    spec: {
      containers: containers.map((each) => container(each, index)),
      dnsPolicy: "ClusterFirst",
      enableServiceLinks: true,
      nodeName: nodeName(index % options.nodes),
      preemptionPolicy: "PreemptLowerPriority",
      priority: 0,
      restartPolicy: "Always",
      schedulerName: "default-scheduler",
      securityContext: { fsGroup: 1000, runAsNonRoot: true, runAsUser: 1000 },
      serviceAccount: `account-${deployment % 10}`,
      serviceAccountName: `account-${deployment % 10}`,
      terminationGracePeriodSeconds: 30,
      tolerations: ["not-ready", "unreachable"].map((taint) => ({
        effect: "NoExecute",
        key: `node.kubernetes.io/${taint}`,
        operator: "Exists",
        tolerationSeconds: 300,
      })),
      volumes,
    },
    status: {
      phase: options.isNew ? "Pending" : "Running",
      conditions: ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"].map(
        condition,
      ),
      hostIP: `10.0.${index & 255}.4`,
      podIP: `10.1.${index & 255}.${(index >> 8) & 255}`,
      podIPs: [{ ip: `10.1.${index & 255}.${(index >> 8) & 255}` }],
      qosClass: "Burstable",
      startTime: time,
      containerStatuses: options.isNew
        ? []
        : containers.map((each) => ({
            name: each,
            containerID: `containerd://${digits(index, 64)}`,
            image: `123456789012.dkr.ecr.us-west-2.amazonaws.com/platform/${each}:1.${index % 40}.0`,
            imageID: `123456789012.dkr.ecr.us-west-2.amazonaws.com/platform/${each}@sha256:${digits(index % 40, 64)}`,
            lastState: {},
            ready: true,
            restartCount: 0,
            started: true,
            state: { running: { startedAt: time } },
          })),
    },
  };
};
