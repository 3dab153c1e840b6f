import { createForwarder, type Forwarder } from "../forwarder.ts";
import type { KubernetesApi } from "../ports/api.ts";
import { createFakeApi, type FakeApi } from "./fake-api.ts";
import { createFakeQueues, type FakeQueues } from "./fake-queues.ts";
import { paths } from "./scene.ts";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";

/** One of several replicas. */
export interface Replica {
  readonly forwarder: Forwarder;
  /** As a process that is killed: nothing that it does reaches anybody any more. */
  kill(): void;
  /** Takes its way to the API server; watches break. */
  cutOff(): void;
  mend(): void;
}

/** Replicas on one cluster in memory with one set of queues, in virtual time. */
export interface Replicas {
  readonly api: FakeApi;
  readonly queues: FakeQueues;
  readonly clock: VirtualClock;
  readonly logged: string[];
  /** Adds a replica that has filled its copies, and lets it settle. */
  add(name: string): Promise<Replica>;
  stop(): Promise<void>;
}

/** Durations of production. */
const election = { leaseSeconds: 15, renewSeconds: 10, retrySeconds: 2 };

export const createReplicas = (random = () => 0.5): Replicas => {
  const api = createFakeApi();
  const clock = createVirtualClock();
  const queues = createFakeQueues(clock);
  const logged: string[] = [];
  const forwarders: Forwarder[] = [];
  api.put(paths.namespaces, { metadata: { name: "kube-system" } });

  const add = async (name: string): Promise<Replica> => {
    const never = new Promise<never>(() => {});
    const killed = new AbortController();
    let isKilled = false;
    let isCutOff = false;
    const watches = new Set<() => void>();
    const own: KubernetesApi = {
      request: (request) => {
        if (isKilled) return never;
        return isCutOff ? Promise.reject(new Error("no route to the API server")) : api.request(request);
      },
      watch: (path, listener) => {
        if (isKilled || isCutOff) {
          clock.after(1, () => listener.ended({}));
          return () => {};
        }
        const close = api.watch(path, listener);
        const cut = () => {
          close();
          watches.delete(cut);
          listener.ended({});
        };
        watches.add(cut);
        return () => {
          close();
          watches.delete(cut);
        };
      },
    };
    const forwarder = createForwarder({
      api: own,
      queues: {
        send: (queue, bodies) => (isKilled ? never : queues.send(queue, bodies)),
        receive: (signal) => (isKilled ? never : queues.receive(AbortSignal.any([signal, killed.signal]))),
        delete: (receipts) => (isKilled ? never : queues.delete(receipts)),
        putBack: (receipts) => (isKilled ? never : queues.putBack(receipts)),
      },
      clock,
      random,
      log: (level, message, fields) => void logged.push(`${name} ${level} ${message} ${JSON.stringify(fields ?? {})}`),
      settings: {
        clusterName: "test",
        snapshotSeconds: 300,
        outcomeHeldSeconds: 60,
        cooldownSeconds: 60,
        cooldownFloorSeconds: 30,
        election: { ...election, identity: name, lease: { namespace: "kube-system", name: "trunkline-forwarder" } },
      },
    });
    forwarders.push(forwarder);
    const started = forwarder.start();
    await clock.advance(400);
    await started;
    const cutOff = (): void => {
      isCutOff = true;
      for (const cut of [...watches]) cut();
    };
    return {
      forwarder,
      kill: () => {
        isKilled = true;
        killed.abort();
        cutOff();
      },
      cutOff,
      mend: () => {
        isCutOff = false;
      },
    };
  };

  return {
    api,
    queues,
    clock,
    logged,
    add,
    stop: async () => {
      const stopped = Promise.all(forwarders.map((forwarder) => forwarder.stop()));
      await clock.advance(60_000);
      await stopped;
    },
  };
};
