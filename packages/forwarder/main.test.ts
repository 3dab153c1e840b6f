import { execFile } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const run = (env: Record<string, string>) =>
  new Promise<{ code: number; lines: string[] }>((resolve) => {
    const main = join(import.meta.dirname, "main.ts");
    execFile(process.execPath, [main], { env }, (error, _, stderr) => {
      const lines = stderr.split("\n").filter((line) => /^(TRUNKLINE|KUBECONFIG|The forwarder)/.test(line));
      resolve({ code: typeof error?.code === "number" ? error.code : 0, lines });
    });
  });

const complete = {
  TRUNKLINE_CLUSTER: "blue",
  TRUNKLINE_POD_EVENTS_QUEUE_URL: "http://127.0.0.1:1/pods",
  TRUNKLINE_NODE_EVENTS_QUEUE_URL: "http://127.0.0.1:1/nodes",
  TRUNKLINE_OUTCOMES_QUEUE_URL: "http://127.0.0.1:1/outcomes",
  AWS_REGION: "eu-west-1",
  KUBERNETES_SERVICE_HOST: "127.0.0.1",
  KUBERNETES_SERVICE_PORT: "1",
  TRUNKLINE_ADMISSION_CERT: "/nowhere/tls.crt",
  TRUNKLINE_ADMISSION_KEY: "/nowhere/tls.key",
};

test("the program ends with 1 and names the variable that is missing", async () => {
  const { TRUNKLINE_CLUSTER, ...rest } = complete;

  expect(TRUNKLINE_CLUSTER).toBeDefined();
  expect(await run(rest)).toEqual({ code: 1, lines: ["TRUNKLINE_CLUSTER is not set."] });
}, 20_000);

test("the program ends with 1 and names the certificate that it cannot read", async () => {
  const { code, lines } = await run(complete);

  expect(code).toBe(1);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^The forwarder cannot start: the admission certificate's files cannot be used: ENOENT/);
}, 20_000);

test.each<[string, Record<string, string>, string]>([
  ["a kubeconfig without a path", { KUBECONFIG: "" }, "KUBECONFIG must be the path of a kubeconfig."],
  [
    "a kubeconfig that cannot be read",
    { KUBECONFIG: "/nowhere/config" },
    "KUBECONFIG must name a kubeconfig that can be read: ENOENT: no such file or directory, open '/nowhere/config'",
  ],
])(
  "the program ends with 1 and tells of %s",
  async (_, change, line) => {
    expect(await run({ ...complete, ...change })).toEqual({ code: 1, lines: [line] });
  },
  20_000,
);
