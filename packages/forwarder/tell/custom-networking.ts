import { type EventText, nodeEvents } from "@trunkline/kubernetes";
import type { EniConfigView } from "../follow/views.ts";

/** An ENIConfig without a subnet is as good as none. */
export const usable = (eniConfig: EniConfigView | undefined): EniConfigView | undefined =>
  eniConfig !== undefined && /^subnet-[0-9a-f]{8,17}$/.test(eniConfig.subnetId) ? eniConfig : undefined;

/**
 * What a node is told whose custom networking cannot be used.
 *
 * @param eniConfigName empty where custom networking is asked for without a name.
 * @param named the ENIConfig of that name, if there is one.
 */
export const eniConfigProblem = (
  nodeName: string,
  eniConfigName: string,
  named: EniConfigView | undefined,
): EventText => {
  if (eniConfigName === "") return nodeEvents.eniConfigNameMissing(nodeName);
  const text = named === undefined ? nodeEvents.eniConfigNotFound : nodeEvents.eniConfigWithoutSubnet;
  return text(nodeName, eniConfigName);
};
