import type { Container, Probe } from "../objects.ts";
import type { Connection } from "../programs/program.ts";

export type ProbeKind = "Readiness" | "Liveness" | "Startup";

/** What a probe asks. `exec` succeeds: no command is run. */
export type ProbeTarget =
  | { kind: "http"; port: number; path: string; scheme: string }
  | { kind: "tcp"; port: number }
  | { kind: "exec" };

/** Successes and failures in a row. */
export interface Tally {
  successes: number;
  failures: number;
}

/** When and how often a probe runs, with the API's defaults. */
export interface ProbeTiming {
  initialDelaySeconds: number;
  periodSeconds: number;
  failureThreshold: number;
  successThreshold: number;
}

/** The timing of a probe: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/. */
export function probeTiming(probe: Probe): ProbeTiming {
  const { initialDelaySeconds = 0, periodSeconds = 10, failureThreshold = 3, successThreshold = 1 } = probe;
  return { initialDelaySeconds, periodSeconds, failureThreshold, successThreshold };
}

function portNumber(port: number | string, container: Container): number {
  if (typeof port === "number") return port;
  return container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port);
}

/** What the probe asks, with the port's number in place of its name. */
export function probeTarget({ httpGet, tcpSocket }: Probe, container: Container): ProbeTarget {
  if (httpGet !== undefined) {
    const { path = "/", scheme = "HTTP", port } = httpGet;
    return { kind: "http", port: portNumber(port, container), path, scheme: scheme.toLowerCase() };
  }
  if (tcpSocket !== undefined) return { kind: "tcp", port: portNumber(tcpSocket.port, container) };
  return { kind: "exec" };
}

/** Counts one answer. */
export function count(tally: Tally, success: boolean): Tally {
  return success ? { successes: tally.successes + 1, failures: 0 } : { successes: 0, failures: tally.failures + 1 };
}

/** What the row of answers says, or `undefined` while neither threshold is reached: the last verdict stands. */
export function verdict(tally: Tally, timing: ProbeTiming): "passing" | "failing" | undefined {
  if (tally.successes >= timing.successThreshold) return "passing";
  if (tally.failures >= timing.failureThreshold) return "failing";
  return undefined;
}

/** kubelet's words for a failure, as `kubectl describe pod` shows them. */
export function failureText(target: ProbeTarget, address: string, outcome: Connection["outcome"]): string {
  if (target.kind === "exec") return "";
  const dial = `dial tcp ${address}:${target.port}`;
  if (target.kind === "tcp") {
    return outcome === "timeout" ? `${dial}: i/o timeout` : `${dial}: connect: connection refused`;
  }
  const get = `Get "${target.scheme}://${address}:${target.port}${target.path}"`;
  return outcome === "timeout"
    ? `${get}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)`
    : `${get}: ${dial}: connect: connection refused`;
}
