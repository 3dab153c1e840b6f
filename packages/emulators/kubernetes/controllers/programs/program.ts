import type { Container, Pod } from "../objects.ts";

/** What came of a first packet. A refusal comes back at once; what security groups drop never comes back. */
export type Connection = { outcome: "connected"; servedBy: string } | { outcome: "refused" } | { outcome: "timeout" };

export type Protocol = "tcp" | "udp";

/** What a program sees of the world. */
export interface Machine {
  connect(address: string, port: number, protocol?: Protocol): Connection;
  /** The address of a name, by asking CoreDNS over the network; `undefined` when no answer comes or none is known. */
  resolve(host: string): string | undefined;
}

/** One step of a program: what it prints, and when it goes on. */
export interface Step<State> {
  state: State;
  lines: string[];
  /** `idle` is a server that only listens. Seconds are those of the manifest. */
  next: { afterSeconds: number } | { exitCode: number } | "idle";
}

/** A port on which a container answers. */
export interface Listening {
  port: number;
  protocol: Protocol;
}

/** What a container does: a small state machine that is chosen by the container's image and command. */
export interface Program<State = unknown> {
  readonly name: string;
  matches(container: Container, pod: Pod): boolean;
  listens(container: Container): Listening[];
  start(container: Container, pod: Pod): State;
  step(state: State, machine: Machine): Step<State>;
}

/** The command line as people write it, for programs that look for a word in it. */
export function commandLine(container: Container): string {
  return [...(container.command ?? []), ...(container.args ?? [])].join(" ");
}

/** The value of an environment variable of the container. */
export function environment(container: Container, name: string): string | undefined {
  return container.env?.find((variable) => variable.name === name)?.value;
}

/** The ports that the manifest names. */
export function declaredPorts(container: Container): Listening[] {
  return (container.ports ?? []).map(({ containerPort, protocol = "TCP" }) => {
    return { port: containerPort, protocol: protocol === "UDP" ? "udp" : "tcp" };
  });
}

/** Whether the text is an IPv4 address, so that no name has to be resolved. */
export function isAddress(host: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}
