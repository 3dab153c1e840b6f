import type { Container, Pod } from "../objects.ts";
import { commandLine, environment, isAddress, type Machine, type Program, type Step } from "./program.ts";

interface Curl {
  targets: URL[];
  intervalSeconds: number;
  /** A pod that is not restarted asks once, unless its command is a loop. */
  once: boolean;
}

const INTERVAL_SECONDS = 2;
const TARGETS_MAX = 20;
const IMAGE = /(^|\/)curl(:|@|$)/;

/** curl's exit codes: https://curl.se/libcurl/c/libcurl-errors.html. */
const COULD_NOT_RESOLVE = 6;
const COULD_NOT_CONNECT = 7;
const TIMED_OUT = 28;

function targetsOf(container: Container): URL[] {
  const named = (environment(container, "TARGETS") ?? "").split(/[\s,]+/);
  const written = commandLine(container).match(/https?:\/\/[^\s"';)]+/g) ?? [];
  return [...new Set([...named, ...written])]
    .filter((text) => text !== "")
    .slice(0, TARGETS_MAX)
    .flatMap((text) => URL.parse(text.includes("://") ? text : `http://${text}`) ?? []);
}

function ask(target: URL, machine: Machine): { line: string; exitCode: number } {
  const host = target.hostname;
  const port = Number(target.port || (target.protocol === "https:" ? 443 : 80));
  const address = isAddress(host) ? host : machine.resolve(host);
  if (address === undefined) {
    return { line: `curl: (6) Could not resolve host: ${host}`, exitCode: COULD_NOT_RESOLVE };
  }
  const connection = machine.connect(address, port);
  switch (connection.outcome) {
    case "connected":
      return { line: `Welcome to ${connection.servedBy}`, exitCode: 0 };
    case "refused":
      return {
        line: `curl: (7) Failed to connect to ${host} port ${port} after 0 ms: Could not connect to server`,
        exitCode: COULD_NOT_CONNECT,
      };
    case "timeout":
      return { line: "curl: (28) Connection timed out after 5001 milliseconds", exitCode: TIMED_OUT };
  }
}

/**
 * Asks each URL in `TARGETS` (separated by commas) or in its command line again and again, and logs what curl would:
 * `Welcome to my-app`, `curl: (6) Could not resolve host: my-app`, `curl: (28) Connection timed out`.
 */
export const curlLoop: Program<Curl> = {
  name: "curl-loop",
  matches: (container) =>
    (IMAGE.test(container.image) || /\bcurl\b/.test(commandLine(container))) && targetsOf(container).length > 0,
  listens: () => [],
  start: (container: Container, pod: Pod) => ({
    targets: targetsOf(container),
    intervalSeconds: Number(environment(container, "INTERVAL_SECONDS") ?? INTERVAL_SECONDS),
    once: (pod.spec.restartPolicy ?? "Always") !== "Always" && !/\bwhile\b/.test(commandLine(container)),
  }),
  step(state, machine): Step<Curl> {
    const answers = state.targets.map((target) => ask(target, machine));
    const lines = answers.map(({ line }) => line);
    const exitCode = answers.find((answer) => answer.exitCode !== 0)?.exitCode ?? 0;
    return { state, lines, next: state.once ? { exitCode } : { afterSeconds: state.intervalSeconds } };
  },
};
