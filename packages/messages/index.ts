export * from "./limits.ts";
export * from "./parse.ts";
export * from "./serialise.ts";
