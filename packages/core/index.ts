export * from "./events.ts";
export * from "./ids.ts";
export * from "./outcomes.ts";
export * from "./ports.ts";
export * from "./records.ts";
export * from "./settings.ts";
export * from "./transaction.ts";
