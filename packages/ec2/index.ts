export * from "./client.ts";
export * from "./ec2.ts";
export { tagKeys } from "./tags.ts";
