import type { NodeTruth, Truth } from "./truth.ts";

const feature = "SecurityGroupsForPods";

/** One sentence for each node that does not tell of its trunk, and for each node or CNINode without the other. */
export function nodeDisagreements(truth: Truth): readonly string[] {
  const names = new Set(truth.nodes.map(({ name }) => name));
  return [
    ...truth.nodes.flatMap((node) => oneNode(node, truth).map((problem) => `node ${node.name} ${problem}`)),
    ...truth.cniNodes.filter(({ name }) => !names.has(name)).map(({ name }) => `CNINode ${name} has no node`),
  ];
}

function oneNode({ name, instanceId, capacity, allocatable, label }: NodeTruth, truth: Truth): readonly string[] {
  const trunk = truth.trunks.find((record) => record.instanceId === instanceId);
  const cniNode = truth.cniNodes.find((each) => each.name === name);
  const limit = String(trunk?.branchesMax);
  return [
    ...(trunk === undefined ? ["has no trunk record"] : []),
    ...(trunk !== undefined && capacity !== limit ? [`has capacity ${capacity} and a trunk of ${limit}`] : []),
    ...(trunk !== undefined && allocatable !== limit ? [`has allocatable ${allocatable} and a trunk of ${limit}`] : []),
    ...(label === "true" ? [] : [`has the label ${label}`]),
    ...(cniNode === undefined ? ["has no CNINode"] : []),
    ...(cniNode?.isTerminating ? ["has a CNINode that is being deleted"] : []),
    ...(cniNode !== undefined && !cniNode.features.includes(feature) ? [`has a CNINode without ${feature}`] : []),
  ];
}
