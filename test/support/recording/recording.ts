import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Json } from "./views.ts";

/** Where the recordings are. */
export const recordingsFolder = join(import.meta.dirname, "../../recordings");

/** What a client sent. `{{name}}` stands for something that an earlier answer, or the world, said. */
export interface RecordedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly accept?: string;
  readonly contentType?: string;
  readonly body?: string;
  /** The body in base64, where it is no text. */
  readonly bytes?: string;
}

/** A name for a text of an answer, which later requests use. */
export interface Binding {
  readonly name: string;
  /** The way to the string that holds it, in the parsed answer. */
  readonly path: readonly (string | number)[];
  /** Which of the volatile texts of that string it is, counted from 0. */
  readonly index: number;
}

/** One request and what was answered. */
export interface RecordedExchange {
  readonly type: "exchange";
  readonly server: "kubernetes" | "ec2";
  readonly request: RecordedRequest;
  readonly status: number;
  readonly contentType: string;
  /** What another run must answer too; absent for documents about the API, which are not kept. */
  readonly view?: Json;
  readonly bindings?: readonly Binding[];
}

/** A client that waited for an object: it looked, listed, and watched until it saw what it waited for. */
export interface RecordedWait {
  readonly type: "wait";
  readonly look?: RecordedRequest;
  readonly list: RecordedRequest;
  readonly watch: RecordedRequest;
  /** How it ended: the object was gone, or looked like this. */
  readonly until: "gone" | { readonly [field: string]: Json };
}

/** One command of a stock client. */
export interface RecordedCommand {
  readonly command: string;
  readonly exitCode: number;
  /** What the client showed, line by line. */
  readonly shown: readonly string[];
  /** The command was repeated until it showed this: the world does by itself what comes before. */
  readonly settles?: true;
  readonly steps: readonly (RecordedExchange | RecordedWait)[];
}

/** Commands that belong together. */
export interface Recording {
  readonly title: string;
  readonly clients: Readonly<Record<string, string>>;
  readonly commands: readonly RecordedCommand[];
}

/** Reads all recordings, in the order in which they were made. */
export async function readRecordings(folder: string = recordingsFolder): Promise<Recording[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  return Promise.all(files.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8")) as Recording));
}
