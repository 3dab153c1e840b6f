import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** Stands in for the part of SST's command that its components call while a configuration runs. */
export interface BuildServer {
  /** The handlers that were to be built, in order. */
  readonly handlers: readonly string[];
  stop(): Promise<void>;
}

/** What SST keeps in each account; see `Provider.Aws.Bootstrap` in its source. */
const bootstrap = {
  asset: "sst-asset",
  assetEcrRegistryId: "123456789012",
  assetEcrUrl: "123456789012.dkr.ecr.us-west-2.amazonaws.com/sst-asset",
  state: "sst-state",
  appsyncHttp: "",
  appsyncRealtime: "",
};

/**
 * Starts the server and tells its address to SST's components by `SST_SERVER`.
 *
 * @param bundle a directory, made here, that is given out as the bundle of every function
 */
export async function startBuildServer(bundle: string): Promise<BuildServer> {
  await mkdir(bundle, { recursive: true });
  await writeFile(join(bundle, "index.mjs"), "export const handler = async () => {};\n");
  const handlers: string[] = [];
  const server = createServer(async (request, response) => {
    response.end(JSON.stringify(answer(await readCall(request))));
  });
  const answer = ({ method, argument }: Call) => {
    switch (method) {
      case "Provider.Aws.Bootstrap":
        return { result: bootstrap };
      case "Runtime.Build":
        handlers.push(argument.handler);
        return { result: { handler: argument.handler, out: bundle, errors: [], sourcemaps: [] } };
      default:
        return { error: `rpc: can't find service ${method}` };
    }
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  process.env.SST_SERVER = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    handlers,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface Call {
  readonly method: string;
  readonly argument: { readonly handler: string };
}

async function readCall(request: AsyncIterable<unknown>): Promise<Call> {
  let body = "";
  for await (const chunk of request) {
    body += chunk;
  }
  const { method, params } = JSON.parse(body);
  return { method, argument: params[0] };
}
