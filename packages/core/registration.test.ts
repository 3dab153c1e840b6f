import { describe, expect, it } from "vitest";
import { branded, type ClusterRegistered, type Incarnation, registerCluster, retiredMax } from "./index.ts";
import { clusterRecord, start } from "./testing/records.ts";

const event = (changes: Partial<ClusterRegistered> = {}): ClusterRegistered => ({
  type: "ClusterRegistered",
  incarnation: clusterRecord().incarnation,
  cooldownSeconds: 60,
  forwarderVersion: "0.1.0",
  groupSets: [["sg-a"]],
  ...changes,
});

const register = (record: Parameters<typeof registerCluster>[0], changes: Partial<ClusterRegistered> = {}) =>
  registerCluster(record, event(changes), branded("blue"), start);

describe("a registration", () => {
  it("is written when the cluster is new, and concerns no node", () => {
    expect(register(undefined)).toMatchObject({
      kind: "changed",
      concernsNodes: false,
      write: { record: { version: 1, retired: [] }, expect: [{ name: "absent" }] },
    });
  });

  it("changes nothing when it says the same again", () => {
    expect(register(clusterRecord())).toEqual({ kind: "unchanged" });
  });

  it("concerns the nodes when a set of groups is not named any more", () => {
    expect(register(clusterRecord(), { groupSets: [["sg-a"], ["sg-b"]] })).toMatchObject({ concernsNodes: false });
    expect(register(clusterRecord(), { groupSets: [["sg-b"]] })).toMatchObject({ concernsNodes: true });
  });

  it("P09: of another incarnation retires the current one for good, and remembers a stated number of them", () => {
    const retired = Array.from({ length: retiredMax }, (_, number) => branded<Incarnation>(`old-${number}`));
    const changed = register(clusterRecord({ retired }), { incarnation: branded("incarnation-2") });

    expect(changed).toMatchObject({
      concernsNodes: true,
      write: { record: { incarnation: "incarnation-2" }, expect: [{ name: "version-is", version: 1 }] },
    });
    const record = changed.kind === "changed" && changed.write.kind === "put" ? changed.write.record : undefined;
    expect(record).toMatchObject({ retired: ["incarnation-1", ...retired.slice(0, retiredMax - 1)] });
    expect(
      register(clusterRecord({ retired: [branded("incarnation-0")] }), { incarnation: branded("incarnation-0") }),
    ).toEqual({ kind: "retired" });
  });
});
