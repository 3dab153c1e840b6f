import { namespace } from "./tour.ts";

/** The tutorial's namespace, policy, Deployment of 4 and Service. */
export const tutorial = (podGroupId: string): string => `
apiVersion: v1
kind: Namespace
metadata: { name: ${namespace} }
---
apiVersion: vpcresources.k8s.aws/v1beta1
kind: SecurityGroupPolicy
metadata: { name: my-security-group-policy, namespace: ${namespace} }
spec:
  podSelector: { matchLabels: { role: my-role } }
  securityGroups: { groupIds: [${podGroupId}] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: my-deployment, namespace: ${namespace}, labels: { app: my-app } }
spec:
  replicas: 4
  selector: { matchLabels: { app: my-app } }
  template:
    metadata: { labels: { app: my-app, role: my-role } }
    spec:
      terminationGracePeriodSeconds: 5
      containers:
        - name: nginx
          image: public.ecr.aws/nginx/nginx:1.23
          ports: [{ containerPort: 80 }]
          readinessProbe: { httpGet: { path: /, port: 80 }, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 2 }
---
apiVersion: v1
kind: Service
metadata: { name: my-app, namespace: ${namespace} }
spec:
  selector: { app: my-app }
  ports: [{ port: 80, targetPort: 80 }]
`;

/** A client of the database: green carries the label that the policy matches, red does not. */
export const databaseClient = (name: "green" | "red", databaseAddress: string): string => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ${namespace}, labels: { app: ${name}${name === "green" ? ", role: my-role" : ""} } }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: client
      image: public.ecr.aws/docker/library/postgres-client:16
      env:
        - { name: HOST, value: "${databaseAddress}" }
        - { name: DBNAME, value: "my-database" }
        - { name: INTERVAL_SECONDS, value: "1" }
`;

/** A pod that asks the Service by name and each pod by address, again and again. */
export const askingPod = (targets: readonly string[]): string => `
apiVersion: v1
kind: Pod
metadata: { name: asker, namespace: ${namespace}, labels: { app: asker, role: my-role } }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: curl
      image: docker.io/curlimages/curl:8.11.0
      env: [{ name: TARGETS, value: "${targets.join(",")}" }, { name: INTERVAL_SECONDS, value: "1" }]
`;

/** A Job of two pods with branch ENIs that end by themselves. */
export const job = `
apiVersion: batch/v1
kind: Job
metadata: { name: my-job, namespace: ${namespace} }
spec:
  completions: 2
  parallelism: 2
  template:
    metadata: { labels: { job: my-job, role: my-role } }
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers:
        - { name: work, image: docker.io/library/busybox:1.36, command: [sleep, "1"] }
`;

/** Pods with branch ENIs in a namespace of their own, whose cluster is about to vanish. */
export const forsaken = (groupId: string): string => `
apiVersion: v1
kind: Namespace
metadata: { name: ${namespace} }
---
apiVersion: vpcresources.k8s.aws/v1beta1
kind: SecurityGroupPolicy
metadata: { name: forsaken, namespace: ${namespace} }
spec:
  podSelector: { matchLabels: { app: forsaken } }
  securityGroups: { groupIds: [${groupId}] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: forsaken, namespace: ${namespace} }
spec:
  replicas: 3
  selector: { matchLabels: { app: forsaken } }
  template:
    metadata: { labels: { app: forsaken } }
    spec:
      containers:
        - { name: pause, image: registry.k8s.io/pause:3.10 }
`;
