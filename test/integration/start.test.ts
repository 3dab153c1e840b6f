import { copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startWorld } from "@trunkline/local";
import { freePort } from "@trunkline/local/dynamodb";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { functionVariables } from "../support/function-variables.ts";
import { endPrograms, launcher, type Program, runProgram, untilReady } from "../support/program.ts";

let folder: string;
const holders: Server[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "start-"));
});

afterEach(async () => {
  endPrograms();
  for (const holder of holders.splice(0)) holder.close();
  await rm(folder, { recursive: true, force: true });
});

const run = (words: readonly string[], variables: Record<string, string> = {}): Program =>
  runProgram(words, { folder, variables });

/** Holds a port, as another program would. */
async function holdPort(): Promise<number> {
  const holder = createServer();
  holders.push(holder);
  return await new Promise((resolve) => {
    holder.listen(0, "127.0.0.1", () => resolve((holder.address() as { port: number }).port));
  });
}

const anyPort = () => freePort(0, "a test", "TEST_PORT");

/** Resolves when nobody listens there; rejects with the line of a port in use otherwise. */
const expectFree = (port: number) => vi.waitFor(() => freePort(port, "a test", "TEST_PORT"), { timeout: 5_000 });

describe("what a start cannot go on with is told in one line, and nothing is left running", () => {
  test("a port in use", async () => {
    const [held, dynamodb] = await Promise.all([holdPort(), anyPort()]);
    const variables = { TRUNKLINE_DYNAMODB_PORT: `${dynamodb}`, TRUNKLINE_KUBERNETES_PORT: `${held}` };
    const { said, ended } = run([launcher, "start"], variables);

    expect(await ended).toBe(1);
    expect(said).toEqual({
      output: "",
      errors: `trunkline: port ${held} for Kubernetes is in use: free it, or set TRUNKLINE_KUBERNETES_PORT to another port (0 takes any)\n`,
    });
    await expectFree(dynamodb);
    expect(await readdir(folder)).toEqual([]);
  });

  test.each<[string, Record<string, string>, string[], string]>([
    [
      "a port that is none",
      { TRUNKLINE_EC2_PORT: "http" },
      [],
      'TRUNKLINE_EC2_PORT is "http" and must be a port, 0 to 65535 (0 takes any free one)',
    ],
    [
      "nodes to adopt of no cluster",
      {},
      ["--adopt-nodes"],
      "--adopt-nodes needs --kubeconfig FILE: the emulated cluster's nodes have their instances",
    ],
    [
      "a kubeconfig that cannot be read",
      {},
      ["--kubeconfig", "nowhere"],
      "--kubeconfig must name a kubeconfig that can be read: ENOENT: no such file or directory, open 'nowhere'",
    ],
    ["an option that does not exist", {}, ["--nodes"], "Unknown option '--nodes'"],
    [
      "a variable of the functions that is wrong",
      { TRUNKLINE_INSTANCE_LIMITS: "m5.large" },
      [],
      "TRUNKLINE_INSTANCE_LIMITS is no JSON; it must be figures by instance type.",
    ],
    [
      "a DynamoDB server that does not answer",
      { DYNAMODB_ENDPOINT: "http://127.0.0.1:9" },
      [],
      "no DynamoDB server answers at http://127.0.0.1:9: start one there, or unset DYNAMODB_ENDPOINT for the embedded one",
    ],
  ])("%s", async (_, variables, words, line) => {
    const dynamodb = await anyPort();
    const { said, ended } = run([launcher, "start", ...words], {
      TRUNKLINE_DYNAMODB_PORT: `${dynamodb}`,
      ...variables,
    });

    expect(await ended).toBe(1);
    expect(said).toEqual({ output: "", errors: `trunkline: ${line}\n` });
    await expectFree(dynamodb);
  });

  test("a Node that is too old", async () => {
    const old = "Object.defineProperty(process, 'versions', { value: { node: '20.20.2' } })";
    const { said, ended } = run(["--import", `data:text/javascript,${encodeURIComponent(old)}`, launcher, "demo"]);

    expect(await ended).toBe(1);
    expect(said.errors).toMatch(
      /^trunkline: this is Node 20\.20\.2 and Node 24 is needed: run it by npm \(npm run demo\), or install Node 24 [^\n]+\n$/,
    );
  });

  test("a platform without a DynamoDB server", async () => {
    await mkdir(join(folder, "packages/local"), { recursive: true });
    const elsewhere = join(folder, "packages/local/launch.mjs");
    await copyFile(launcher, elsewhere);
    const { said, ended } = run([elsewhere, "start"]);

    expect(await ended).toBe(1);
    expect(said.errors).toBe(
      `trunkline: no DynamoDB server for ${process.platform}-${process.arch}: start DynamoDB Local and set DYNAMODB_ENDPOINT (for example http://127.0.0.1:8000)\n`,
    );
  });
});

describe("a world that cannot be whole", () => {
  test.each([
    ["dynamodb", "DynamoDB", "TRUNKLINE_DYNAMODB_PORT"],
    ["sqs", "SQS", "TRUNKLINE_SQS_PORT"],
    ["ec2", "EC2", "TRUNKLINE_EC2_PORT"],
    ["kubernetes", "Kubernetes", "TRUNKLINE_KUBERNETES_PORT"],
  ] as const)("ends what it began when the port of %s is in use", async (server, what, variable) => {
    const [kubernetes, ec2, sqs, dynamodb] = await Promise.all([anyPort(), anyPort(), anyPort(), anyPort()]);
    const ports = { kubernetes, ec2, sqs, dynamodb, [server]: await holdPort() };
    const nodes = { count: 1, instanceType: "m5.large" };

    const attempt = startWorld({ region: "us-west-2", cluster: "demo", ports, nodes, onError: () => {} });

    await expect(attempt).rejects.toThrow(
      `port ${ports[server]} for ${what} is in use: free it, or set ${variable} to`,
    );
    const others = Object.entries(ports).filter(([name]) => name !== server);
    await Promise.all(others.map(([, port]) => expectFree(port)));
  });

  test("ends what it began when its first nodes cannot run", async () => {
    const ports = { kubernetes: 0, ec2: 0, sqs: 0, dynamodb: await anyPort() };
    const nodes = { count: 1, instanceType: "z9.large" };

    const attempt = startWorld({ region: "us-west-2", cluster: "demo", ports, nodes, onError: () => {} });

    await expect(attempt).rejects.toThrow("Invalid value 'z9.large' for InstanceType");
    await expectFree(ports.dynamodb);
  });
});

describe("a program that is interrupted while it starts", () => {
  test.each(["start", "demo"])("npm %s leaves no server behind and no file that speaks of one", async (command) => {
    const dynamodb = await anyPort();
    const { child, ended } = run([launcher, command], { TRUNKLINE_DYNAMODB_PORT: `${dynamodb}` });
    // The world has its first server: everything else is about to start.
    await vi.waitFor(() => expect(freePort(dynamodb, "a test", "TEST_PORT")).rejects.toThrow("in use"), {
      timeout: 20_000,
      interval: 20,
    });

    process.kill(child.pid ?? 0, "SIGINT");

    expect(await ended).toBe(command === "start" ? 0 : 1);
    await expectFree(dynamodb);
    expect(await readdir(join(folder, ".trunkline")).catch(() => [])).not.toContain("world.json");
  });
});

describe("a function whose configuration is wrong", () => {
  test("does not start, and names the variable", async () => {
    const { said, ended } = run([join(import.meta.dirname, "../../functions/pod-events.ts")], {
      ...functionVariables(),
      TRUNKLINE_TABLE: "",
    });

    expect(await ended).toBe(1);
    const told = said.errors.split("\n").filter((line) => line.includes("TRUNKLINE_"));
    expect(told).toEqual(["ConfigurationError: TRUNKLINE_TABLE must be the name of the ledger's table."]);
  });
});

describe("a world that runs", () => {
  const begin = async () => {
    const [kubernetes, dynamodb] = await Promise.all([anyPort(), anyPort()]);
    const program = run([launcher, "start"], {
      TRUNKLINE_KUBERNETES_PORT: `${kubernetes}`,
      TRUNKLINE_DYNAMODB_PORT: `${dynamodb}`,
    });
    await untilReady(program);
    return { ...program, kubernetes, dynamodb };
  };

  test("ends within seconds at Ctrl-C, which tells the whole group, and whose echo comes from npm", async () => {
    const { child, ended, kubernetes, dynamodb } = await begin();
    expect(await readdir(join(folder, ".trunkline"))).toContain("world.json");
    const begun = performance.now();

    process.kill(-(child.pid ?? 0), "SIGINT");
    process.kill(child.pid ?? 0, "SIGINT");

    expect(await ended).toBe(0);
    expect(performance.now() - begun).toBeLessThan(14_000);
    expect(await readdir(join(folder, ".trunkline"))).toEqual(["trunkline.log"]);
    await Promise.all([expectFree(kubernetes), expectFree(dynamodb)]);
  });
});
