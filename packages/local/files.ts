import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { WorldFacts } from "./walkthrough/tour.ts";

/** Where the local world tells other programs what it is: a folder that git ignores. */
export const worldFolder = ".trunkline";

/**
 * Writes `world.json`, `kubeconfig` and `env` for `kubectl`, `aws` and whoever else wants to look.
 *
 * @param options - `hasCluster`: the cluster is a real one, whose kubeconfig stays where it is.
 */
export async function writeWorldFiles(
  folder: string,
  facts: WorldFacts,
  options: { readonly hasCluster?: boolean } = {},
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "world.json"), `${JSON.stringify(facts, undefined, 2)}\n`);
  if (!options.hasCluster) await writeFile(join(folder, "kubeconfig"), kubeconfig(facts));
  await writeFile(join(folder, "env"), environment(facts));
}

/** Removes what {@link writeWorldFiles} wrote, so that nobody trusts a world that has ended. */
export async function removeWorldFiles(folder: string): Promise<void> {
  for (const name of ["world.json", "kubeconfig", "env"]) await rm(join(folder, name), { force: true });
}

/** A kubeconfig whose only user is the administrator of the emulated cluster. */
export function kubeconfig({ cluster, kubernetes }: Pick<WorldFacts, "cluster" | "kubernetes">): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": cluster,
    clusters: [{ name: cluster, cluster: { server: kubernetes, "insecure-skip-tls-verify": true } }],
    users: [{ name: "administrator", user: {} }],
    contexts: [{ name: cluster, context: { cluster, user: "administrator" } }],
  });
}

/** Shell lines that point the `aws` CLI at the world; the credentials are made up. */
function environment(facts: WorldFacts): string {
  const variables = {
    AWS_ENDPOINT_URL_EC2: facts.ec2,
    AWS_ENDPOINT_URL_DYNAMODB: facts.dynamodb,
    AWS_ENDPOINT_URL_SQS: facts.sqs,
    AWS_REGION: facts.region,
    AWS_DEFAULT_REGION: facts.region,
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
  };
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${value}\n`)
    .join("");
}
