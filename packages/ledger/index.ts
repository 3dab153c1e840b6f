export * from "./errors.ts";
export * from "./ledger.ts";
export * from "./table.ts";
