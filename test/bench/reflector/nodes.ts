import { digits, type Json, managedFields, nodeName, time, uuid } from "./metadata.ts";

/** A node with 50 images, as kubelet reports at most. */
export const makeNode = (index: number): Json => {
  const resources = {
    cpu: "16",
    memory: "64Gi",
    pods: "234",
    "ephemeral-storage": "80Gi",
    "vpc.amazonaws.com/pod-eni": "54",
  };
  const zone = `us-west-2${"abc"[index % 3]}`;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: nodeName(index),
      uid: uuid(900_000_000 + index),
      creationTimestamp: time,
      labels: {
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": nodeName(index),
        "node.kubernetes.io/instance-type": "m5.4xlarge",
        "topology.kubernetes.io/region": "us-west-2",
        "topology.kubernetes.io/zone": zone,
        "vpc.amazonaws.com/has-trunk-attached": "true",
        ...Object.fromEntries(
          Array.from({ length: 15 }, (_, label) => [`platform.example.com/label-${label}`, digits(label, 20)]),
        ),
      },
      annotations: {
        "csi.volume.kubernetes.io/nodeid": JSON.stringify({ "ebs.csi.aws.com": `i-${digits(index, 17)}` }),
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
        "platform.example.com/bootstrap": digits(index, 1_500),
      },
      managedFields: [...managedFields(), ...managedFields()],
    },
    spec: { podCIDR: `10.2.${index & 255}.0/24`, providerID: `aws:///${zone}/i-${digits(index + 1, 17)}` },
    status: {
      capacity: resources,
      allocatable: resources,
      addresses: [
        { address: `10.0.${index & 255}.4`, type: "InternalIP" },
        { address: nodeName(index), type: "Hostname" },
      ],
      conditions: ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"].map((type) => ({
        type,
        status: type === "Ready" ? "True" : "False",
        reason: `KubeletHas${type}`,
        message: "kubelet has what it needs",
        lastHeartbeatTime: time,
        lastTransitionTime: time,
      })),
      nodeInfo: {
        architecture: "amd64",
        kubeletVersion: "v1.32.0",
        machineID: digits(index, 32),
        osImage: "Bottlerocket OS 1.29.0",
      },
      images: Array.from({ length: 50 }, (_, image) => ({
        names: [
          `123456789012.dkr.ecr.us-west-2.amazonaws.com/platform/image-${image}@sha256:${digits(image, 64)}`,
          `123456789012.dkr.ecr.us-west-2.amazonaws.com/platform/image-${image}:1.${index % 40}.${image}-${digits(image + index, 80)}`,
          `public.ecr.aws/mirrors/platform/image-${image}@sha256:${digits(image + index, 64)}`,
        ],
        sizeBytes: 100_000_000 + image,
      })),
    },
  };
};
