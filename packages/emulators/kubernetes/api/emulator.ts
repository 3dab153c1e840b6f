/** The emulator as a whole: store, admission, loops and the HTTP server. */

import type { AddressInfo } from "node:net";
import type { ApiUsers, Clock, LogSource, Random } from "../ports.ts";
import { admissionChain } from "./admission/admission.ts";
import { httpsCaller, type ServiceResolver } from "./admission/https-caller.ts";
import type { WebhookCaller } from "./admission/webhooks.ts";
import type { Authorization } from "./authorization/authorize.ts";
import { rbacAuthorizer } from "./authorization/rbac.ts";
import { bootstrap } from "./bootstrap.ts";
import type { Exchange } from "./http/exchange.ts";
import { type Fault, Faults } from "./http/faults.ts";
import { httpFace } from "./http/server.ts";
import { type StaticToken, Tokens } from "./http/users.ts";
import { startDefinitions } from "./loops/definitions.ts";
import { startEventExpiry } from "./loops/events.ts";
import { startGarbageCollection } from "./loops/garbage-collection.ts";
import { startNamespaces } from "./loops/namespaces.ts";
import { startServiceAccounts } from "./loops/service-accounts.ts";
import { apiAccess } from "./requests/access.ts";
import { ADMINISTRATOR, type ApiState, userNamed } from "./requests/context.ts";
import { Store } from "./store/store.ts";
import { TypeRegistry } from "./type-registry.ts";

/** The parts of the emulator that need no network. */
export interface KubernetesModel {
  state: ApiState;
  api: ApiUsers;
  /** Stops the loops. */
  stop(): void;
}

/** What a model is made of. */
export interface ModelOptions {
  clock: Clock;
  random: Random;
  /** How many changes each collection remembers for watches; 10,000 unless said otherwise. */
  historyMax?: number;
  /** Calls webhooks. */
  callWebhook: WebhookCaller;
  tokens?: readonly StaticToken[];
}

const HISTORY_MAX = 10_000;
const BOOKMARK_SECONDS = 60;
const CONTROLLERS = "system:serviceaccount:kube-system";

/** Builds the API server without its network, with the objects that every cluster has. */
export async function createKubernetesModel(options: ModelOptions): Promise<KubernetesModel> {
  const { clock, random } = options;
  const store = new Store({ historyMax: options.historyMax ?? HISTORY_MAX });
  const state: ApiState = {
    store,
    types: new TypeRegistry(),
    clock,
    random,
    admission: admissionChain(() => state, options.callWebhook),
    authorizer: rbacAuthorizer(store),
  };
  const groups = new Map((options.tokens ?? []).map((token) => [token.user, token.groups ?? []]));
  const api: ApiUsers = { as: (user) => apiAccess(state, userNamed(user, groups.get(user))) };
  const loops = [
    startDefinitions(state, api.as(`${CONTROLLERS}:crd-controller`)),
    startServiceAccounts(state, api.as(`${CONTROLLERS}:service-account-controller`)),
    startNamespaces(state, api.as(`${CONTROLLERS}:namespace-controller`)),
    startGarbageCollection(state, api.as(`${CONTROLLERS}:generic-garbage-collector`)),
    startEventExpiry(state),
  ];
  await bootstrap(apiAccess(state, ADMINISTRATOR));
  return {
    state,
    api,
    stop: () => {
      for (const stop of loops) stop();
    },
  };
}

/** How to start the emulator. */
export interface KubernetesEmulatorOptions {
  /** 0, the default: any free port. */
  port?: number;
  host?: string;
  clock?: Clock;
  random?: Random;
  /** Bearer tokens and whom they name. Without a token a request is the administrator's. */
  tokens?: readonly StaticToken[];
  historyMax?: number;
  /** Seconds between the bookmarks of a watch; 60 unless said otherwise. */
  bookmarkSeconds?: number;
  /** Where services that webhooks are configured with really listen. */
  resolveService?: ServiceResolver;
  onExchange?: (exchange: Exchange) => void;
  /** Hears what was decided about each request by HTTP, as an audit log would. */
  onAuthorization?: (authorization: Authorization) => void;
}

/** A running emulator. */
export interface KubernetesEmulator {
  url: string;
  port: number;
  api: ApiUsers;
  model: KubernetesModel;
  /** From now on container logs come from here. */
  setLogSource(source: LogSource): void;
  /** The same as `POST /_control/faults`. */
  inject(fault: Fault): void;
  dropWatches(): void;
  stop(): Promise<void>;
}

/** Starts the emulator and resolves when it listens; rejects when the port is taken. */
export async function startKubernetesEmulator(options: KubernetesEmulatorOptions = {}): Promise<KubernetesEmulator> {
  const clock = options.clock ?? systemClock();
  const random = options.random ?? Math.random;
  const tokens = options.tokens ?? [];
  const caller = httpsCaller(options.resolveService ?? (() => undefined));
  const model = await createKubernetesModel({
    clock,
    random,
    tokens,
    callWebhook: caller.call,
    ...(options.historyMax === undefined ? {} : { historyMax: options.historyMax }),
  });
  let logSource: LogSource | undefined;
  const face = httpFace({
    state: model.state,
    tokens: new Tokens(tokens, random),
    faults: new Faults(),
    bookmarkSeconds: options.bookmarkSeconds ?? BOOKMARK_SECONDS,
    logSource: () => logSource,
    ...(options.onExchange === undefined ? {} : { onExchange: options.onExchange }),
    ...(options.onAuthorization === undefined ? {} : { onAuthorization: options.onAuthorization }),
  });
  const host = options.host ?? "127.0.0.1";
  const port = await listen(face.server, options.port ?? 0, host);
  return {
    url: `http://${host}:${port}`,
    port,
    api: model.api,
    model,
    setLogSource: (source) => {
      logSource = source;
    },
    inject: face.inject,
    dropWatches: face.dropWatches,
    stop: async () => {
      model.stop();
      caller.close();
      await face.close();
    },
  };
}

function listen(server: ReturnType<typeof httpFace>["server"], port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Real time. Timers do not keep the process alive. */
function systemClock(): Clock {
  return {
    now: () => Date.now(),
    schedule: (delayMs, run) => {
      const timer = setTimeout(run, delayMs);
      timer.unref();
      return () => clearTimeout(timer);
    },
  };
}
