import type { Expectation, LedgerRecord } from "../index.ts";

/** Whether a named condition is met by the record that is there, as the real ledger judges it. */
export const holds = (expectation: Expectation, found: LedgerRecord | undefined): boolean => {
  switch (expectation.name) {
    case "absent":
      return found === undefined;
    case "present":
      return found !== undefined;
    case "version-is":
      return found?.version === expectation.version;
    case "status-in":
      return found !== undefined && "status" in found && expectation.statuses.includes(found.status);
    case "generation-is":
      return found !== undefined && "generation" in found && found.generation === expectation.generation;
    case "trunk-eni-is":
      return found !== undefined && "trunkEniId" in found && found.trunkEniId === expectation.trunkEniId;
    case "held-at-most":
      return found?.kind === "trunk" && found.held <= expectation.held;
  }
};
