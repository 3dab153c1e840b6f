import { branded, type VlanId } from "./ids.ts";

/** VLAN IDs of branches on one trunk run from 1 to here; 0 is never used. */
export const vlanIdMax = 120;

const bitmapDigits = vlanIdMax / 4;

/** The bitmap of a trunk on which no VLAN ID is taken. */
export const noVlans: string = "0".repeat(bitmapDigits);

const bitOf = (vlanId: number): bigint => 1n << BigInt(vlanId - 1);
const bitsOf = (bitmap: string): bigint => BigInt(`0x${bitmap}`);
const textOf = (bits: bigint): string => bits.toString(16).padStart(bitmapDigits, "0");

/** Whether the bitmap shows the VLAN ID as taken. */
export const isVlanTaken = (bitmap: string, vlanId: VlanId): boolean => (bitsOf(bitmap) & bitOf(vlanId)) !== 0n;

/** The bit that stands for every VLAN ID beyond the last: a pod that names one is known by it, and nobody else can want it. */
export const vlanIdKnownAs = (vlanId: number): VlanId => branded<VlanId>(Math.min(vlanId, vlanIdMax + 1));

/** The VLAN IDs that are not given out: those of branches, and those that living pods use all the same (P10). */
export const takenVlans = ({ vlans, strayVlans }: { vlans: string; strayVlans?: string | undefined }): string =>
  strayVlans === undefined ? vlans : textOf(bitsOf(vlans) | bitsOf(strayVlans));

/** The bitmap with these VLAN IDs taken. */
export const withVlans = (bitmap: string, vlanIds: readonly VlanId[]): string =>
  textOf(vlanIds.reduce((bits, vlanId) => bits | bitOf(vlanId), bitsOf(bitmap)));

/** The bitmap with these VLAN IDs free. */
export const withoutVlans = (bitmap: string, vlanIds: readonly VlanId[]): string =>
  textOf(vlanIds.reduce((bits, vlanId) => bits & ~bitOf(vlanId), bitsOf(bitmap)));

/**
 * Free VLAN IDs in the order in which they are given out: from the one after `last` upwards and round again. The lowest free ID would
 * be the one that was freed a moment ago; this way a freed ID rests until all others have had their turn.
 *
 * @param last the VLAN ID that was given out last, 0 when none was
 */
export const freeVlans = (bitmap: string, last = 0): readonly VlanId[] => {
  const free: VlanId[] = [];
  for (let step = 0; step < vlanIdMax; step += 1) {
    const vlanId = branded<VlanId>(((last + step) % vlanIdMax) + 1);
    if (!isVlanTaken(bitmap, vlanId)) free.push(vlanId);
  }
  return free;
};
