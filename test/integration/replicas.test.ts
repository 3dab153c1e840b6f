import type { InstanceId, PodEniAssigned, PodUid } from "@trunkline/core";
import type { KubernetesObject } from "@trunkline/emulator-kubernetes";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { bindingOf, nodeOf, podOf, policyOf } from "../support/forwarder-objects.ts";
import { type ReplicaProgram, type ReplicaWorld, shortLease, startReplicaWorld } from "../support/replicas.ts";

const podEni = "vpc.amazonaws.com/pod-eni";
const instanceId = "i-0123456789abcdef0" as InstanceId;
const pods = { group: "", resource: "pods", namespace: "default" };
const lease = { group: "coordination.k8s.io", resource: "leases", namespace: "kube-system" };
/** A standby takes over when it has seen the lease unchanged for its time; one attempt may be missed before, and one after. */
const handOverMilliseconds = (shortLease.leaseSeconds + 2 * shortLease.retrySeconds) * 1_000;

let world: ReplicaWorld;
/** The replicas of the moment: who leads comes first. */
let replicas: ReplicaProgram[];

beforeAll(async () => {
  world = await startReplicaWorld();
  await administrator().create(nodeOf(instanceId));
  await administrator().create(policyOf("sg-1"));
  const first = await world.add("a");
  await eventually(async () => expect(await first.isLeader()).toBe(true));
  replicas = [first, await world.add("b")];
}, 60_000);

afterAll(() => world.stop());

const administrator = () => world.kubernetes.api.as("kubernetes-admin");
const eventually = <Value>(check: () => Promise<Value>, timeout = 15_000) =>
  vi.waitFor(check, { timeout, interval: 20 });

const addPod = async (name: string): Promise<KubernetesObject> => {
  const made = await administrator().create(podOf(name));
  await administrator().create(bindingOf(name), { subresource: "binding" });
  return made;
};
const removePod = (name: string) => administrator().delete({ ...pods, name }, { gracePeriodSeconds: 0 });
const isMutated = (pod: KubernetesObject): boolean => JSON.stringify(pod.spec).includes(`"requests":{"${podEni}":"1"}`);

const assigned = (pod: KubernetesObject, vlanId: number): PodEniAssigned => ({
  type: "PodEniAssigned",
  podUid: pod.metadata.uid as PodUid,
  namespace: "default",
  name: pod.metadata.name ?? "",
  instanceId,
  enis: [
    {
      eniId: "eni-0123456789abcdef0",
      ifAddress: "0a:1b:2c:3d:4e:5f",
      privateIp: "192.168.0.15",
      ipv6Addr: "",
      vlanId,
      subnetCidr: "192.168.0.0/16",
      subnetV6Cidr: "",
      associationID: "trunk-assoc-0123",
    },
  ],
});
const annotationOf = async (pod: KubernetesObject) =>
  (await administrator().get({ ...pods, name: pod.metadata.name ?? "" })).metadata.annotations?.[podEni];

/** Which pods were told with an event of this type so far. */
const told = async (type: "PodObserved" | "PodGone"): Promise<readonly string[]> =>
  (await world.queues.received()).flatMap((event) => {
    if (event.type !== type) return [];
    return [event.type === "PodObserved" ? event.pod.podUid : event.podUid];
  });

/** Creates pods for as long as something lasts, and deletes every other one; gives them all. */
const churnDuring = async (
  prefix: string,
  work: (made: readonly KubernetesObject[]) => Promise<void>,
): Promise<KubernetesObject[]> => {
  const made: KubernetesObject[] = [];
  let isOver = false;
  const churn = (async () => {
    for (let index = 0; !isOver; index += 1) {
      const pod = await addPod(`${prefix}-${index}`);
      made.push(pod);
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (index % 2 === 0) await removePod(pod.metadata.name ?? "");
    }
  })();
  await work(made);
  isOver = true;
  await churn;
  return made;
};

/** Ends the leader by a signal, and starts another replica in its place. Resolves to how long nobody led. */
const replaceLeader = async (by: (leader: ReplicaProgram) => Promise<void>): Promise<number> => {
  const [leader, standby] = replicas as [ReplicaProgram, ReplicaProgram];
  expect(await leader.isLeader()).toBe(true);
  await by(leader);
  const startedAt = performance.now();
  await eventually(async () => expect(await standby.isLeader()).toBe(true));
  const milliseconds = performance.now() - startedAt;
  replicas = [standby, await world.add(`${leader.name}'`)];
  return milliseconds;
};

describe("two replicas", () => {
  test("of which one leads, and both are ready", async () => {
    expect(await Promise.all(replicas.map((replica) => replica.isLeader()))).toEqual([true, false]);
    expect(await Promise.all(replicas.map((replica) => replica.isReady()))).toEqual([true, true]);
    const held = (await administrator().get({ ...lease, name: "trunkline-forwarder" })) as unknown as {
      spec: { holderIdentity: string };
    };
    expect(held.spec.holderIdentity).toMatch(/^a_/);
  });

  test("hand over when the leader is killed; admission goes on, and nothing is lost", async () => {
    const before = await addPod("before");
    await eventually(async () => expect(await told("PodObserved")).toContain(before.metadata.uid));

    let milliseconds = 0;
    let served = 0;
    const made = await churnDuring("killed", async (so) => {
      milliseconds = await replaceLeader(async (leader) => {
        const [, standby] = replicas;
        leader.signal("SIGKILL");
        await leader.ended;
        await removePod("before");
        await eventually(async () => expect(world.servedBy()).toBe(standby?.name));
        served = so.length + 1;
      });
    });

    expect(milliseconds).toBeLessThan(handOverMilliseconds);
    // Nobody can keep the Service from leading to a dead replica for a moment; from then on the standby answers.
    expect(made.length - served).toBeGreaterThan(10);
    expect(made.slice(served).every(isMutated)).toBe(true);
    await eventually(async () => {
      const [observed, gone] = [await told("PodObserved"), await told("PodGone")];
      expect(gone).toContain(before.metadata.uid);
      for (const [index, pod] of made.entries()) {
        if (!isMutated(pod)) continue;
        // A pod that came and went while nobody led is told by its end alone.
        expect(index % 2 === 0 ? [...observed, ...gone] : observed).toContain(pod.metadata.uid);
        if (index % 2 === 0) expect(gone).toContain(pod.metadata.uid);
      }
    });
  }, 60_000);

  test("hand over at once when the leader is told to end, which it does in order", async () => {
    const made = await churnDuring("ended", async () => {
      const milliseconds = await replaceLeader(async (leader) => {
        leader.signal("SIGTERM");
        expect(await leader.ended).toBe(0);
        expect(leader.lines.at(-1)).toMatchObject({ message: "The program has ended in order." });
      });
      // The lease was given back before the program ended.
      expect(milliseconds).toBeLessThan(2 * shortLease.retrySeconds * 1_000);
    });

    expect(made.every(isMutated)).toBe(true);
    await eventually(async () => {
      const gone = await told("PodGone");
      for (const [index, pod] of made.entries()) if (index % 2 === 0) expect(gone).toContain(pod.metadata.uid);
    });
  }, 60_000);

  test("hand over when only the leader cannot reach the API server, and each pod is annotated once", async () => {
    const pod = await addPod("cut-off");
    const annotations = new Set<string | undefined>();
    const endWatch = administrator().watch(pods, ({ object }) => {
      if (object.metadata.name === "cut-off") annotations.add(object.metadata.annotations?.[podEni]);
    });
    const [leader, standby] = replicas as [ReplicaProgram, ReplicaProgram];
    leader.cutOff();
    // The leader may receive it and not be able to apply it: then it is put back when it leads no more.
    await world.queues.deliver(assigned(pod, 1));

    await eventually(async () => expect(await standby.isLeader()).toBe(true));
    expect(await leader.isLeader()).toBe(false);
    await eventually(async () => expect(await annotationOf(pod)).toContain('"vlanId":1'));
    expect(await leader.isReady()).toBe(true);
    leader.mend();
    await eventually(async () => expect((await leader.ask("/readyz?verbose")).text).toContain("[+]copies ok"));

    expect(await standby.isLeader()).toBe(true);
    expect([...annotations].filter((value) => value !== undefined)).toHaveLength(1);
    endWatch();
    replicas = [standby, leader];
  }, 60_000);

  test("are both replaced, one after the other, and no event is lost", async () => {
    const made = await churnDuring("rolled", async () => {
      for (let round = 0; round < 2; round += 1) {
        await replaceLeader(async (leader) => {
          leader.signal("SIGTERM");
          await leader.ended;
        });
      }
    });

    expect(made.length).toBeGreaterThan(10);
    expect(made.every(isMutated)).toBe(true);
    await eventually(async () => {
      const [observed, gone] = [await told("PodObserved"), await told("PodGone")];
      for (const [index, pod] of made.entries()) {
        if (index % 2 === 0) expect(gone).toContain(pod.metadata.uid);
        else expect(observed).toContain(pod.metadata.uid);
      }
    });
  }, 60_000);
});

test("a replica that is told twice to end does so at once", async () => {
  const replica = await world.add("twice", { TRUNKLINE_SHUTDOWN_DRAIN_SECONDS: "30" });
  replica.signal("SIGTERM");
  await eventually(async () => expect(await replica.isReady()).toBe(false));
  expect((await replica.ask("/healthz")).status).toBe(200);
  replica.signal("SIGTERM");

  expect(await replica.ended).toBe(1);
}, 60_000);

test("a replica in which a rejection is handled by nobody says so and ends with 1", async () => {
  const rejecting = 'process.on("SIGUSR2",()=>{Promise.reject(new Error("a-fault-of-the-program"))})';
  const replica = await world.add("rejecting", {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(rejecting)}`,
  });
  replica.signal("SIGUSR2");

  expect(await replica.ended).toBe(1);
  expect(replica.lines.at(-1)).toMatchObject({ level: "error", problem: "a-fault-of-the-program" });
  expect(String(replica.lines.at(-1)?.stack)).toContain("Error: a-fault-of-the-program");
}, 60_000);

test("a replica tells its metrics, and how it is in words", async () => {
  const [leader] = replicas as [ReplicaProgram, ReplicaProgram];

  const { text } = await leader.ask("/metrics");
  for (const line of [
    'trunkline_queue_reachable{queue="outcomes"} 1',
    'trunkline_objects{collection="nodes"} 1',
    'trunkline_terms_total{change="elected"} 1',
    'trunkline_lists_total{collection="pods",result="ok"} ',
    'rest_client_requests_total{method="PUT",code="200"} ',
    "trunkline_build_info{",
  ]) {
    expect(text).toContain(line);
  }
  await addPod("measured");
  const all = await Promise.all(replicas.map((replica) => replica.ask("/metrics")));
  expect(all.map((told) => told.text).join("")).toContain(
    'controller_runtime_webhook_requests_total{webhook="/mutate-v1-pod",code="200"} ',
  );
  const { text: checks } = await leader.ask("/readyz?verbose");
  for (const check of ["copies", "queues-since-start", "shutdown", "queues", "leader"]) {
    expect(checks).toContain(`[+]${check} ok\n`);
  }
}, 60_000);
