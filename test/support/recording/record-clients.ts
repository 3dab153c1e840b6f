import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { forkTrunkline, startWorld, writeWorldFiles } from "@trunkline/local";
import { type RecordingProxy, startRecordingProxy } from "./proxy.ts";
import { Recorder } from "./record.ts";
import { type RecordedCommand, type Recording, recordingsFolder } from "./recording.ts";
import { type ScriptedCommand, session } from "./session.ts";
import { withoutVolatile } from "./volatile.ts";

/**
 * Plays the session with the stock `kubectl` and `aws` of this machine against a new world, checks what they show, and
 * writes what they sent and got to `test/recordings`.
 */
const settleSeconds = 60;
const commandSeconds = 120;
const pauseMilliseconds = 300;
const shownLinesMax = 80;

interface Shown {
  readonly exitCode: number;
  readonly text: string;
}

const folder = await mkdtemp(join(tmpdir(), "record-clients-"));
const world = await startWorld({
  region: "us-west-2",
  cluster: "demo",
  ports: { kubernetes: 0, ec2: 0, sqs: 0, dynamodb: 0 },
  nodes: { count: 2, instanceType: "m5.large" },
  onError: (error) => process.stderr.write(`${error}\n`),
});
await writeWorldFiles(folder, world.facts);
const trunkline = await forkTrunkline({ folder });
const kubernetes = await startRecordingProxy(world.facts.kubernetes);
const ec2 = await startRecordingProxy(world.facts.ec2);
try {
  await record({ kubernetes, ec2 });
} finally {
  await kubernetes.stop();
  await ec2.stop();
  await trunkline.stop();
  await world.stop();
  await rm(folder, { recursive: true, force: true });
}

async function record(proxies: Readonly<Record<"kubernetes" | "ec2", RecordingProxy>>): Promise<void> {
  await writeWorldFiles(folder, { ...world.facts, kubernetes: proxies.kubernetes.url, ec2: proxies.ec2.url });
  const recorder = new Recorder(world.facts);
  const kept = new Map<string, string>(Object.entries(world.facts).map(([name, fact]) => [name, String(fact)]));
  const clients = { kubectl: await version("kubectl version --client"), aws: await version("aws --version") };
  await mkdir(recordingsFolder, { recursive: true });
  for (const { file, title, commands } of session) {
    const recorded: RecordedCommand[] = [];
    for (const command of commands) recorded.push(await recordCommand({ command, recorder, kept, proxies }));
    const recording: Recording = { title, clients, commands: recorded };
    await writeFile(join(recordingsFolder, `${file}.json`), `${lines(recording)}\n`);
    process.stdout.write(`${file}: ${recorded.length} commands\n`);
  }
}

async function recordCommand(options: {
  command: ScriptedCommand;
  recorder: Recorder;
  kept: Map<string, string>;
  proxies: Readonly<Record<"kubernetes" | "ec2", RecordingProxy>>;
}): Promise<RecordedCommand> {
  const { command, recorder, kept, proxies } = options;
  const line = command.run.replaceAll(/\{(\w+)\}/g, (whole, name: string) => kept.get(name) ?? whole);
  const deadline = Date.now() + settleSeconds * 1000;
  for (;;) {
    const shown = await run(line);
    // The proxies hear of a stream's end a moment after the client has gone.
    await sleep(pauseMilliseconds);
    const exchanges = Object.entries(proxies).flatMap(([server, proxy]) =>
      proxy.take().map((exchange) => ({ ...exchange, server: server as keyof typeof proxies })),
    );
    const fits = command.shows.test(shown.text) && shown.exitCode === (command.exitCode ?? 0);
    if (!fits && command.settles && Date.now() < deadline) continue;
    if (!fits) throw new Error(`${line} ended with ${shown.exitCode} and showed:\n${shown.text}`);
    for (const [name, pattern] of Object.entries(command.keep ?? {}))
      kept.set(name, pattern.exec(shown.text)?.[1] ?? "");
    return {
      command: withoutVolatile(line),
      exitCode: shown.exitCode,
      shown: withoutVolatile(shown.text).trimEnd().split("\n").slice(0, shownLinesMax),
      ...(command.settles ? { settles: true } : {}),
      steps: recorder.stepsOf(exchanges, command.settles ?? false),
    };
  }
}

async function run(line: string): Promise<Shown> {
  const script = `. '${folder}/env'; ${line}`;
  const env = {
    ...process.env,
    KUBECONFIG: join(folder, "kubeconfig"),
    KUBECACHEDIR: join(folder, "cache"),
    AWS_PAGER: "",
  };
  return new Promise((resolve) => {
    execFile("bash", ["-c", script], { env, timeout: commandSeconds * 1000 }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ exitCode, text: `${stdout}${stderr}` });
    });
  });
}

/** The first line that a client says of itself. @throws Error when the client is not on this machine. */
async function version(line: string): Promise<string> {
  const { exitCode, text } = await run(line);
  if (exitCode !== 0) throw new Error(`"${line}" does not work here: install the client and try again`);
  return text.split("\n")[0] ?? "";
}

/** JSON with a line for each step: short, and readable where a recording is compared with another. */
function lines(recording: Recording): string {
  const steps = new Map<string, unknown>();
  const text = JSON.stringify(
    recording,
    (key, value) => {
      if (key !== "steps" || !Array.isArray(value)) return value;
      return value.map((step) => {
        const mark = `step-${steps.size}`;
        steps.set(mark, step);
        return mark;
      });
    },
    1,
  );
  return text.replaceAll(/"(step-\d+)"/g, (_, mark: string) => JSON.stringify(steps.get(mark)));
}
