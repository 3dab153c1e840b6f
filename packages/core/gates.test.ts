import { describe, expect, it } from "vitest";
import { breakerFailure, breakerSuccess, gateOf, type SubnetId } from "./index.ts";
import { modelContext, modelTrunk } from "./testing/model-node.ts";
import { clusterRecord, start } from "./testing/records.ts";

const trunk = modelTrunk();
const probeAt = (time: number) =>
  new Map<SubnetId, { kind: "subnet-probe"; subnetId: SubnetId; version: number; probeAt: number }>([
    [trunk.subnetId, { kind: "subnet-probe", subnetId: trunk.subnetId, version: 2, probeAt: time }],
  ]);

describe("the gate before new ENIs", () => {
  it("is open as long as nothing is known against it", () => {
    expect(gateOf(modelContext(start), trunk).kind).toBe("open");
    expect(gateOf(modelContext(start, { registration: clusterRecord() }), trunk).kind).toBe("open");
  });

  it("is closed for a cluster that has as many ENIs as it may have", () => {
    const limits = { cluster: trunk.cluster, enisMax: 10 };

    expect(gateOf(modelContext(start, { limits, registration: clusterRecord({ eniCount: 10 }) }), trunk)).toMatchObject(
      {
        kind: "closed",
        deferral: { reason: "eni-quota" },
      },
    );
    expect(gateOf(modelContext(start, { limits, registration: clusterRecord({ eniCount: 9 }) }), trunk).kind).toBe(
      "open",
    );
    expect(gateOf(modelContext(start, { limits }), trunk).kind).toBe("open");
  });

  it("lets one probe of a full subnet pass when its time has come", () => {
    expect(gateOf(modelContext(start, { probes: probeAt(start + 1) }), trunk).kind).toBe("closed");
    expect(gateOf(modelContext(start, { probes: probeAt(start) }), trunk)).toMatchObject({
      kind: "probe",
      write: { record: { version: 3, probeAt: start + 10_000 }, expect: [{ name: "version-is", version: 2 }] },
    });
  });

  it("P19: trips after three distinct requests, lets one call through a minute, and closes on success", () => {
    let registration = clusterRecord();
    for (const request of ["a", "a", "b", "c"]) {
      const write = breakerFailure(registration, request, start);
      if (write?.kind === "put" && write.record.kind === "cluster") registration = write.record;
    }
    expect(registration.breaker).toEqual({ failures: ["a", "b", "c"], openUntil: start + 60_000 });
    expect(breakerFailure(registration, "d", start)).toBeUndefined();

    expect(gateOf(modelContext(start, { registration }), trunk)).toMatchObject({
      kind: "closed",
      deferral: { reason: "cluster-paused" },
    });
    expect(gateOf(modelContext(start + 60_000, { registration }), trunk)).toMatchObject({
      kind: "probe",
      write: { record: { breaker: { openUntil: start + 120_000 } } },
    });

    expect(breakerSuccess(registration)).toMatchObject({ record: { version: registration.version + 1 } });
    expect(breakerSuccess(clusterRecord())).toBeUndefined();
    expect(breakerSuccess(undefined)).toBeUndefined();
  });
});
