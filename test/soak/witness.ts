import type { PerformedCall } from "@trunkline/emulator-ec2";
import { ec2History } from "./ec2-history.ts";
import { type PlainPolicy, policyHistory } from "./policy-history.ts";

/** A pod as Kubernetes tells it at one moment. */
export interface SeenPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly nodeName: string;
  readonly enis: number;
  readonly isTerminal: boolean;
  /** The annotation as it stands there. */
  readonly annotation: string | undefined;
}

/** What the witness has to know beforehand. */
export interface WitnessOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Groups of pods that no policy matches. */
  readonly nodeGroups: readonly string[];
  /** For so long after a change of policies a pod may still be given what they said before, milliseconds. */
  readonly policyLagMilliseconds: number;
  /** No ENI and no VLAN ID is another pod's sooner after the end of the one before, milliseconds. */
  readonly cooldownMilliseconds: number;
}

/** Sees everything that happens in Kubernetes and EC2, in order, and notes what must never happen. */
export interface Witness {
  pod(pod: SeenPod): void;
  podGone(uid: string): void;
  node(name: string, instanceId: string): void;
  policy(change: { readonly namespace: string; readonly name: string }, policy?: PlainPolicy): void;
  call(call: PerformedCall): void;
  /** The instance shuts down: what it had is void. */
  instanceEnds(instanceId: string): void;
  /** One sentence for each thing that must never happen and did; the first 100. */
  readonly violations: readonly string[];
  /** Pods that were seen, and milliseconds from binding to annotation of those that got one. */
  readonly pods: number;
  readonly delays: readonly number[];
}

interface KnownPod {
  readonly title: string;
  readonly seenAt: number;
  pod: SeenPod;
  instanceId: string | undefined;
  boundAt: number | undefined;
  lives: boolean;
  /** ENIs and VLAN IDs of trunks that its annotation names. */
  holds: readonly string[];
}

const violationsMax = 100;

/** Makes a witness who has seen nothing yet. */
export function createWitness(options: WitnessOptions): Witness {
  const { now } = options;
  const ec2 = ec2History();
  const policies = policyHistory(options.nodeGroups);
  const pods = new Map<string, KnownPod>();
  const instances = new Map<string, string>();
  const endedInstances = new Set<string>();
  /** By ENI, and by VLAN ID of a trunk: the living pod that holds it, and when its last holder ended. */
  const holders = new Map<string, KnownPod>();
  const lastHeld = new Map<string, number>();
  const violations: string[] = [];
  const delays: number[] = [];
  let podsSeen = 0;

  const note = (sentence: string) => {
    if (violations.length < violationsMax) violations.push(`${new Date(now()).toISOString()} ${sentence}`);
  };
  const isOver = ({ instanceId }: KnownPod) => instanceId !== undefined && endedInstances.has(instanceId);

  const hold = (known: KnownPod, what: string) => {
    const holder = holders.get(what);
    if (holder !== undefined && holder !== known && !isOver(holder))
      note(`${known.title} got ${what}, which ${holder.title} has`);
    const restedMilliseconds = now() - (lastHeld.get(what) ?? Number.NEGATIVE_INFINITY);
    if (restedMilliseconds < options.cooldownMilliseconds)
      note(`${known.title} got ${what} ${restedMilliseconds} ms after its last pod ended`);
    holders.set(what, known);
    known.holds = [...known.holds, what];
  };

  const checkEni = (known: KnownPod, { eniId, vlanId }: AnnotatedEni) => {
    const branch = ec2.branch(eniId);
    const { association } = branch ?? {};
    if (association === undefined || association.vlanId !== vlanId) {
      if (!isOver(known)) note(`${known.title} was told ${eniId} at VLAN ID ${vlanId}, which EC2 does not have there`);
      return;
    }
    if (ec2.instanceOf(association.trunkId) !== known.instanceId)
      note(`${known.title} was told ${eniId}, which is on another instance than ${known.instanceId}`);
    hold(known, eniId);
    hold(known, `VLAN ID ${vlanId} of ${association.trunkId}`);
    const span = { from: known.seenAt - options.policyLagMilliseconds, to: now() };
    const possible = policies.possible(known.pod, span);
    if (!possible.has(branch?.groups ?? ""))
      note(`${known.title} got ${eniId} with ${branch?.groups}, and its policies say ${[...possible].join(" or ")}`);
  };

  const annotated = (known: KnownPod, annotation: string) => {
    if (!known.lives) note(`${known.title} was annotated after its end`);
    if (known.boundAt !== undefined) delays.push(now() - known.boundAt);
    for (const eni of JSON.parse(annotation) as AnnotatedEni[]) checkEni(known, eni);
  };

  const end = (known: KnownPod) => {
    if (!known.lives) return;
    known.lives = false;
    for (const what of known.holds) {
      if (holders.get(what) !== known) continue;
      holders.delete(what);
      lastHeld.set(what, now());
    }
  };

  const knownOf = (pod: SeenPod): KnownPod => {
    const known = pods.get(pod.uid);
    if (known !== undefined) return known;
    podsSeen += 1;
    const title = `pod ${pod.namespace}/${pod.name} (${pod.uid})`;
    const made = { title, seenAt: now(), pod, instanceId: undefined, boundAt: undefined, lives: true, holds: [] };
    pods.set(pod.uid, made);
    return made;
  };

  return {
    pod: (pod) => {
      const known = knownOf(pod);
      const before = known.pod.annotation;
      known.pod = pod;
      if (pod.nodeName !== "" && known.boundAt === undefined) {
        known.boundAt = now();
        known.instanceId = instances.get(pod.nodeName);
      }
      if (before !== undefined && pod.annotation !== before)
        note(`the annotation of ${known.title} changed from ${before} to ${pod.annotation}`);
      else if (pod.annotation !== undefined && known.holds.length === 0) annotated(known, pod.annotation);
      if (pod.isTerminal) end(known);
    },
    podGone: (uid) => {
      const known = pods.get(uid);
      if (known !== undefined) end(known);
      pods.delete(uid);
    },
    node: (name, instanceId) => instances.set(name, instanceId),
    policy: (change, policy) => policies.record({ ...change, at: now() }, policy),
    call: (call) => {
      const lost = ec2.take(call);
      const holder = lost === undefined ? undefined : holders.get(lost);
      if (holder !== undefined && !isOver(holder))
        note(`${call.action} took ${lost} from ${holder.title}, which lives`);
    },
    instanceEnds: (instanceId) => endedInstances.add(instanceId),
    violations,
    get pods() {
      return podsSeen;
    },
    delays,
  };
}

interface AnnotatedEni {
  readonly eniId: string;
  readonly vlanId: number;
}
