import type { KubernetesObject } from "../ports.ts";

const EVERYWHERE = [{ operator: "Exists" }];

function serviceAccount(name: string): KubernetesObject {
  return { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "kube-system" } };
}

/**
 * The Amazon VPC CNI plugin as clusters have it, in mode *strict* and with `ENABLE_POD_ENI` off:
 * https://github.com/aws/amazon-vpc-cni-k8s/blob/master/config/master/aws-k8s-cni.yaml. `DISABLE_TCP_EARLY_DEMUX` is
 * on, as every tutorial with probes asks for in that mode.
 */
export function awsNodeManifests(): KubernetesObject[] {
  const labels = { "k8s-app": "aws-node" };
  return [
    serviceAccount("aws-node"),
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: "aws-node", namespace: "kube-system", labels },
      spec: {
        selector: { matchLabels: labels },
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "10%" } },
        template: {
          metadata: { labels },
          spec: {
            hostNetwork: true,
            serviceAccountName: "aws-node",
            priorityClassName: "system-node-critical",
            terminationGracePeriodSeconds: 10,
            tolerations: EVERYWHERE,
            initContainers: [
              {
                name: "aws-vpc-cni-init",
                image: "amazon-k8s-cni-init:v1.23.0",
                env: [{ name: "DISABLE_TCP_EARLY_DEMUX", value: "true" }],
              },
            ],
            containers: [
              {
                name: "aws-node",
                image: "amazon-k8s-cni:v1.23.0",
                env: [
                  { name: "ENABLE_POD_ENI", value: "false" },
                  { name: "POD_SECURITY_GROUP_ENFORCING_MODE", value: "strict" },
                  { name: "WARM_ENI_TARGET", value: "1" },
                ],
                ports: [{ name: "metrics", containerPort: 61678, protocol: "TCP" }],
                resources: { requests: { cpu: "25m" } },
              },
            ],
          },
        },
      },
    },
  ];
}

/**
 * CoreDNS behind the Service `kube-dns`.
 * @param replicas one is enough for a small world; clusters have two
 */
export function coreDnsManifests(replicas: number): KubernetesObject[] {
  const labels = { "k8s-app": "kube-dns" };
  const dns = { containerPort: 53, protocol: "UDP", name: "dns" };
  const dnsTcp = { containerPort: 53, protocol: "TCP", name: "dns-tcp" };
  return [
    serviceAccount("coredns"),
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "coredns", namespace: "kube-system", labels },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: "coredns",
            priorityClassName: "system-cluster-critical",
            tolerations: [{ key: "CriticalAddonsOnly", operator: "Exists" }],
            containers: [
              {
                name: "coredns",
                image: "coredns:v1.12.4",
                args: ["-conf", "/etc/coredns/Corefile"],
                ports: [dns, dnsTcp, { name: "metrics", containerPort: 9153, protocol: "TCP" }],
                resources: { limits: { memory: "170Mi" }, requests: { cpu: "100m", memory: "70Mi" } },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "kube-dns", namespace: "kube-system", labels: { ...labels, "kubernetes.io/name": "CoreDNS" } },
      spec: {
        selector: labels,
        ports: [
          { name: "dns", port: 53, targetPort: 53, protocol: "UDP" },
          { name: "dns-tcp", port: 53, targetPort: 53, protocol: "TCP" },
        ],
      },
    },
  ];
}
