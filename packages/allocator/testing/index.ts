export * from "./clock.ts";
export * from "./ec2.ts";
export * from "./faults.ts";
export * from "./ledger.ts";
export * from "./outbox.ts";
export * from "./pacer.ts";
export * from "./settings.ts";
export * from "./world.ts";
