import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { DEFAULT_CONFIG, type Ec2ConfigPatch, patchConfig } from "./model/config.ts";
import { createEc2Model, type Ec2Model } from "./model/model.ts";
import { seededRandom, seedFor } from "./model/random.ts";
import { type LatencyConfig, NO_LATENCY } from "./server/latency.ts";
import { createRealClock } from "./server/real-clock.ts";
import { Regions } from "./server/regions.ts";
import { createEc2Server } from "./server/server.ts";

/** How an emulator shall start. */
export interface EmulatorSettings {
  /** 0, the default, takes any free port. */
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  /** The home Region: that of unsigned requests, and of `model()`. */
  readonly region?: string | undefined;
  /** The account's 12 digits. */
  readonly account?: string | undefined;
  /** The same seed gives the same IDs and addresses for the same calls. */
  readonly seed?: number | undefined;
  readonly config?: (Ec2ConfigPatch & { readonly latency?: LatencyConfig | undefined }) | undefined;
}

/** A running emulator. */
export interface Ec2Emulator {
  readonly url: string;
  readonly port: number;
  /** The model behind one Region, the home Region by default. */
  model(region?: string): Ec2Model;
  stop(): Promise<void>;
}

/** Starts EC2 on this machine. Rejects with the error of the socket, such as `EADDRINUSE`. */
export async function startEc2Emulator(settings: EmulatorSettings = {}): Promise<Ec2Emulator> {
  const { port = 0, host = "127.0.0.1", region = "us-west-2", account = "123456789012", seed = 1 } = settings;
  const clock = createRealClock();
  const { latency: givenLatency = NO_LATENCY, ...given } = settings.config ?? {};
  let latency = givenLatency;
  let config = patchConfig(DEFAULT_CONFIG, given);
  const regions = new Regions(region, (name) =>
    createEc2Model({ clock, random: seededRandom(seedFor(seed, name)), region: name, account, config }),
  );
  const server = createEc2Server({
    regions,
    random: seededRandom(seedFor(seed, "latency")),
    latency: () => latency,
    configure: (change) => {
      latency = change.latency ?? latency;
      config = patchConfig(config, change.model);
      for (const model of regions.models()) model.configure(change.model);
    },
  });
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host}:${address.port}`,
    port: address.port,
    model: (name = region) => regions.model(name),
    stop: async () => {
      clock.stop();
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
