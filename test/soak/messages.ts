import type { MemorySample } from "./memory.ts";

/** What the soak asks of a process of Trunkline. Each question has one answer. */
export type Question = "sample" | "start-replica" | "stop-replica" | "stop";

/** What a process of Trunkline tells the soak. */
export type Told =
  | { readonly tell: "ready" }
  | { readonly tell: "memory"; readonly sample: MemorySample }
  /** The replica listens there, or is stopped. */
  | { readonly tell: "replica"; readonly admissionPort: number | undefined }
  /** Something that must not happen in a program that is left running: an unhandled rejection, a warning. */
  | { readonly tell: "trouble"; readonly text: string };

/** What a process of Trunkline is started with, as JSON. */
export interface ProcessFacts {
  /** The world's facts. */
  readonly world: string;
  readonly certificate: { readonly key: string; readonly cert: string };
  /** Whether the functions run in it, beside its replica of the forwarder. */
  readonly hasFunctions: boolean;
}
