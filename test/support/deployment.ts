/**
 * Evaluates the real `sst.config.ts` without an AWS account, and returns what it would create.
 *
 * SST's command does four things before it runs a configuration: it gives `$config`, tells the application and the
 * command line in `$app` and `$cli`, puts its components and Pulumi's functions into the global scope, and serves the
 * calls that build the functions. This file does the same in the test's process, with Pulumi's mocks in the place of
 * its engine: https://www.pulumi.com/docs/iac/concepts/testing/unit/
 */
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { answerCall, answerResource } from "./deployment-mocks.ts";
import { type BuildServer, startBuildServer } from "./deployment-server.ts";

/** A resource as the configuration declares it, with all its inputs resolved. */
export interface Declared {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

/** What an evaluation of the configuration gave. */
export interface Deployment {
  readonly resources: readonly Declared[];
  /** The handlers that SST would have built. */
  readonly handlers: readonly string[];
  readonly outputs: Record<string, unknown>;
}

interface Configuration {
  app(input: { stage: string }): Promise<Record<string, unknown>>;
  run(): Promise<Record<string, unknown>>;
}

interface Pulumi extends Record<string, unknown> {
  readonly runtime: {
    setMocks(mocks: object, project: string, stack: string, preview: boolean): Promise<void>;
    disconnect(): Promise<void>;
  };
}

const root = resolve(import.meta.dirname, "../..");
const platform = join(root, ".sst/platform");

/** Evaluates one stage. A process can do this once: Pulumi and SST keep their state in modules. */
export async function evaluateDeployment(stage: string): Promise<Deployment> {
  const resources: Declared[] = [];
  const server = await startBuildServer(join(root, ".sst/test-bundle"));
  try {
    // It has to be the very copy of Pulumi that SST's components load.
    const require = createRequire(join(platform, "package.json"));
    const pulumi: Pulumi = require("@pulumi/pulumi");
    const { runInPulumiStack } = require("@pulumi/pulumi/runtime/stack.js");
    const mocks = {
      newResource: (declared: Declared) => {
        resources.push({ type: declared.type, name: declared.name, inputs: declared.inputs });
        return answerResource(declared);
      },
      call: answerCall,
    };
    await pulumi.runtime.setMocks(mocks, "trunkline", stage, false);
    const configuration = await loadConfiguration();
    await defineGlobals({ pulumi, aws: require("@pulumi/aws"), app: await configuration.app({ stage }), stage });
    const { run } = await import(join(platform, "src/auto/run.ts"));
    const outputs = await runInPulumiStack(() => run(configuration.run));
    await pulumi.runtime.disconnect();
    return { resources, handlers: server.handlers, outputs: outputs as Record<string, unknown> };
  } finally {
    await closeServer(server);
  }
}

async function loadConfiguration(): Promise<Configuration> {
  Object.assign(globalThis, { $config: (configuration: Configuration) => configuration });
  return (await import(join(root, "sst.config.ts"))).default;
}

/** The order matters: some components read `$app` and `$util` while they are loaded. */
async function defineGlobals(scope: {
  readonly pulumi: Pulumi;
  readonly aws: unknown;
  readonly app: Record<string, unknown>;
  readonly stage: string;
}): Promise<void> {
  const { pulumi, aws, app, stage } = scope;
  Object.assign(globalThis, {
    $app: { providers: {}, ...app, stage },
    $dev: false,
    $cli: {
      command: "deploy",
      rpc: "",
      paths: { home: root, root, work: join(root, ".sst"), platform },
      state: { version: {} },
    },
    $util: pulumi,
    $output: pulumi.output,
    $resolve: pulumi.all,
    $interpolate: pulumi.interpolate,
    $concat: pulumi.concat,
    $jsonParse: pulumi.jsonParse,
    $jsonStringify: pulumi.jsonStringify,
    $secrets: {},
    aws,
  });
  const { $transform, $asset } = await import(join(platform, "src/components/component.ts"));
  const { Link } = await import(join(platform, "src/components/link.ts"));
  Object.assign(globalThis, { $transform, $asset, $linkable: Link.makeLinkable });
  Object.assign(globalThis, { sst: await import(join(platform, "src/components/index.ts")) });
}

async function closeServer(server: BuildServer): Promise<void> {
  await server.stop();
  delete process.env.SST_SERVER;
}
