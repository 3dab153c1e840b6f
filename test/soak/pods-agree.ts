import type { AssociatedBranch, PodEni } from "@trunkline/core";
import type { EniTruth, PodTruth, Truth } from "./truth.ts";

/** One sentence for each living pod whose annotation is missing, or differs from its records or from EC2. */
export function podDisagreements(truth: Truth): readonly string[] {
  const wishing = truth.pods.filter(({ enis, isTerminal, nodeName }) => enis > 0 && !isTerminal && nodeName !== "");
  const held = wishing.flatMap(({ annotation }) => (typeof annotation === "object" ? annotation : []));
  const owners = Map.groupBy(held, ({ eniId }) => eniId);
  return [
    ...wishing.flatMap((pod) => onePod(pod, truth).map((problem) => `pod ${nameOf(pod)} ${problem}`)),
    ...[...owners].flatMap(([eniId, of]) => (of.length > 1 ? [`${of.length} annotations name ${eniId}`] : [])),
  ];
}

/** How a person finds the pod. */
const nameOf = ({ namespace, name, uid }: PodTruth): string => `${namespace}/${name} (${uid})`;

function onePod(pod: PodTruth, truth: Truth): readonly string[] {
  const { annotation, enis } = pod;
  if (annotation === undefined) return [`has no annotation`];
  if (annotation === "unreadable") return [`has an annotation that cannot be read`];
  if (annotation.length !== enis) return [`asks for ${enis} ENIs and has ${annotation.length}`];
  return annotation.flatMap((eni, index) => oneEni({ pod, eni, index }, truth));
}

interface Held {
  readonly pod: PodTruth;
  readonly eni: PodEni;
  readonly index: number;
}

function oneEni(held: Held, truth: Truth): readonly string[] {
  const { pod, eni, index } = held;
  const record = truth.branches.find((branch) => branch.owner === pod.uid && branch.index === index);
  if (record === undefined) return [`has ${eni.eniId} and no record`];
  if (record.status !== "associated") return [`has ${eni.eniId} and a record that is ${record.status}`];
  const found = truth.enis.find(({ eniId }) => eniId === eni.eniId);
  if (found === undefined) return [`names ${eni.eniId}, which EC2 does not have`];
  return [...againstRecord(held, record, truth), ...againstEc2(eni, record, found, truth)];
}

function againstRecord({ pod, eni }: Held, record: AssociatedBranch, { nodes }: Truth): readonly string[] {
  const instanceId = nodes.find(({ name }) => name === pod.nodeName)?.instanceId;
  return differences("annotation and record", [
    ["ENI", eni.eniId, record.eni.eniId],
    ["MAC", eni.ifAddress, record.eni.mac],
    ["address", eni.privateIp, record.eni.privateIp],
    ["VLAN ID", eni.vlanId, record.vlanId],
    ["association", eni.associationID, record.associationId],
    ["instance", instanceId, record.instanceId],
  ]);
}

function againstEc2(eni: PodEni, record: AssociatedBranch, found: EniTruth, truth: Truth): readonly string[] {
  const association = truth.associations.find(({ branchEniId }) => branchEniId === eni.eniId);
  const tag = (key: string) => found.tags.get(key);
  return differences("record and EC2", [
    ["MAC", record.eni.mac, found.mac],
    ["address", record.eni.privateIp, found.privateIp],
    ["groups", record.request.securityGroups.join(), found.securityGroups.toSorted().join()],
    ["association", record.associationId, association?.associationId],
    ["trunk", record.trunkEniId, association?.trunkEniId],
    ["VLAN ID", record.vlanId, association?.vlanId],
    ["tag of the cluster", truth.cluster, tag("trunkline:cluster")],
    ["tag of the instance", record.instanceId, tag("node.k8s.amazonaws.com/instance_id")],
    ["tag of the VLAN ID", String(record.vlanId), tag("vpcresources.k8s.aws/vlan-id")],
    ["tag of the trunk", record.trunkEniId, tag("vpcresources.k8s.aws/trunk-eni-id")],
  ]);
}

type Field = readonly [name: string, left: string | number | undefined, right: string | number | undefined];

const differences = (sides: string, fields: readonly Field[]): readonly string[] =>
  fields
    .filter(([, left, right]) => left !== right)
    .map(([name, left, right]) => `differs between ${sides}: ${name} ${left} and ${right}`);
