export * from "./errors.ts";
export * from "./ledger.ts";
export * from "./pacer.ts";
export * from "./table.ts";
