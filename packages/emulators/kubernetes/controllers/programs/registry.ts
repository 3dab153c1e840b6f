import type { Container, Pod } from "../objects.ts";
import { curlLoop } from "./curl-loop.ts";
import { databaseClient } from "./database-client.ts";
import type { Program } from "./program.ts";
import { script } from "./script.ts";
import { webServer } from "./web-server.ts";
import { unknownWorkload } from "./workload.ts";

const BUILT_IN: Program[] = [databaseClient, curlLoop, script, webServer];

/** The program of a container: the first that matches, the given ones before the built-in ones. */
export function programOf(container: Container, pod: Pod, given: Program[]): Program {
  return [...given, ...BUILT_IN].find((program) => program.matches(container, pod)) ?? unknownWorkload;
}
