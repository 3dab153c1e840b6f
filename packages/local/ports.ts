import { StartFailure } from "./failure.ts";

/** The variables that fix the ports of the local world's servers; 0 or absent takes any free port. */
const portVariables = {
  kubernetes: "TRUNKLINE_KUBERNETES_PORT",
  ec2: "TRUNKLINE_EC2_PORT",
  sqs: "TRUNKLINE_SQS_PORT",
  dynamodb: "TRUNKLINE_DYNAMODB_PORT",
} as const;

/** The port of each server; 0 takes any. */
export type Ports = Record<keyof typeof portVariables, number>;

/** Reads the ports from the environment. @throws StartFailure naming the variable that is no port. */
export function readPorts(environment: Readonly<Record<string, string | undefined>>): Ports {
  const entries = Object.entries(portVariables).map(([server, variable]) => {
    const text = environment[variable] ?? "0";
    const port = Number(text);
    if (text.trim() === "" || !Number.isInteger(port) || port < 0 || port > 65_535)
      throw new StartFailure(`${variable} is "${text}" and must be a port, 0 to 65535 (0 takes any free one)`);
    return [server, port] as const;
  });
  return Object.fromEntries(entries) as Ports;
}
