import type { Container } from "../objects.ts";
import { environment, isAddress, type Machine, type Program, type Step } from "./program.ts";

interface Client {
  host: string;
  port: number;
  database: string;
  intervalSeconds: number;
}

const POSTGRES_PORT = 5432;
const INTERVAL_SECONDS = 5;
const RULE = "--------------------------";

function read(container: Container): Client {
  const number = (name: string, otherwise: number) => Number(environment(container, name) ?? otherwise);
  return {
    host: environment(container, "HOST") ?? "localhost",
    port: number("PORT", POSTGRES_PORT),
    database: environment(container, "DBNAME") ?? "postgres",
    intervalSeconds: number("INTERVAL_SECONDS", INTERVAL_SECONDS),
  };
}

function attempt(client: Client, machine: Machine): string[] {
  const address = isAddress(client.host) ? client.host : machine.resolve(client.host);
  if (address === undefined) {
    return [`Database connection failed due to could not translate host name "${client.host}" to address`];
  }
  const { outcome } = machine.connect(address, client.port);
  if (outcome === "timeout") return ["Database connection failed due to timeout expired"];
  if (outcome === "refused") return ["Database connection failed due to connection refused"];
  return [
    RULE,
    "Database connection successful",
    RULE,
    ` Rows of ${client.database}.welcome`,
    " id | message",
    "  1 | Hello from PostgreSQL",
    RULE,
  ];
}

/**
 * The database client of the security-groups-for-pods tutorial: connects every few seconds to `HOST`, `PORT` (5432)
 * and `DBNAME`, and logs the rows or why it could not. Any container with `HOST` and `DBNAME` in its environment is one.
 */
export const databaseClient: Program<Client> = {
  name: "database-client",
  matches: (container) =>
    environment(container, "HOST") !== undefined && environment(container, "DBNAME") !== undefined,
  listens: () => [],
  start: read,
  step(client, machine): Step<Client> {
    return { state: client, lines: attempt(client, machine), next: { afterSeconds: client.intervalSeconds } };
  },
};
