import type { Clock } from "../../ports.ts";
import { type Container, type ContainerState, type Pod, type Probe, timestamp } from "../objects.ts";
import type { Connection, Listening, Machine, Program } from "../programs/program.ts";
import type { ControllerSettings } from "../settings.ts";
import { type ContainerLog, createContainerLog } from "./container-log.ts";
import { count, failureText, type ProbeKind, probeTarget, probeTiming, type Tally, verdict } from "./probe.ts";

/** A container as the kubelet runs it. */
export interface ContainerRuntime {
  readonly spec: Container;
  readonly log: ContainerLog;
  /** `containerd://…` of the present run; empty before the first. */
  id: string;
  state: ContainerState;
  lastState: ContainerState;
  restartCount: number;
  started: boolean;
  ready: boolean;
  /** When a container that ended is started again (epoch ms). */
  restartDueMs: number | undefined;
  listens(): Listening[];
  /** Starts the program and the probes. */
  run(id: string): void;
  /** Ends the run; nothing of it happens any more. */
  end(exitCode: number): void;
}

/** What a container tells the kubelet, which then looks at the whole pod. */
export interface ContainerEvents {
  /** Its state, readiness or start changed. */
  changed(): void;
  unhealthy(kind: ProbeKind, text: string): void;
  /** A liveness or startup probe gave it up. */
  condemned(kind: ProbeKind): void;
}

/** What a container needs from its node. */
export interface ContainerHost {
  pod: Pod;
  program: Program;
  clock: Clock;
  settings: ControllerSettings;
  machine: Machine;
  /** The address that a probe's failure names. */
  address(): string;
  probe(port: number): Connection["outcome"];
}

/** Makes a container that waits. */
export function createContainerRuntime(
  spec: Container,
  host: ContainerHost,
  events: ContainerEvents,
): ContainerRuntime {
  const { clock, settings, program } = host;
  const log = createContainerLog();
  const timers = new Set<() => void>();
  let startedAt = "";

  function after(seconds: number, run: () => void): void {
    const cancel = clock.schedule(seconds * settings.secondMs, () => {
      timers.delete(cancel);
      run();
    });
    timers.add(cancel);
  }

  function step(state: unknown): void {
    const taken = program.step(state, host.machine);
    log.append(taken.lines);
    const { next } = taken;
    if (next === "idle") return;
    if ("afterSeconds" in next) {
      after(next.afterSeconds, () => step(taken.state));
    } else {
      runtime.end(next.exitCode);
      events.changed();
    }
  }

  function watchProbe(kind: ProbeKind, probe: Probe, settle: (passing: boolean) => boolean): void {
    const timing = probeTiming(probe);
    const target = probeTarget(probe, spec);
    function ask(before: Tally): void {
      const outcome = target.kind === "exec" ? "connected" : host.probe(target.port);
      const tally = count(before, outcome === "connected");
      if (outcome !== "connected") events.unhealthy(kind, failureText(target, host.address(), outcome));
      const decided = verdict(tally, timing);
      const goOn = decided === undefined || settle(decided === "passing");
      if (goOn) after(timing.periodSeconds, () => ask(tally));
    }
    after(timing.initialDelaySeconds, () => ask({ successes: 0, failures: 0 }));
  }

  function setReady(ready: boolean): void {
    if (runtime.ready === ready) return;
    runtime.ready = ready;
    events.changed();
  }

  /** Readiness and liveness begin when the container has started, which a startup probe decides if there is one. */
  function onStarted(): void {
    runtime.started = true;
    const { readinessProbe, livenessProbe } = spec;
    if (readinessProbe === undefined) runtime.ready = true;
    else {
      watchProbe("Readiness", readinessProbe, (passing) => {
        setReady(passing);
        return true;
      });
    }
    if (livenessProbe !== undefined) watchProbe("Liveness", livenessProbe, (passing) => passing || condemn("Liveness"));
    events.changed();
  }

  function condemn(kind: ProbeKind): false {
    events.condemned(kind);
    return false;
  }

  const runtime: ContainerRuntime = {
    spec,
    log,
    id: "",
    state: { waiting: { reason: "ContainerCreating" } },
    lastState: {},
    restartCount: 0,
    started: false,
    ready: false,
    restartDueMs: undefined,
    listens: () => (runtime.state.running === undefined ? [] : program.listens(spec)),
    run(id) {
      if (runtime.id !== "") runtime.restartCount += 1;
      startedAt = timestamp(clock.now());
      Object.assign(runtime, { id, state: { running: { startedAt } }, restartDueMs: undefined });
      const { startupProbe } = spec;
      if (startupProbe === undefined) onStarted();
      else {
        watchProbe("Startup", startupProbe, (passing) => {
          if (!passing) return condemn("Startup");
          onStarted();
          return false;
        });
      }
      // The first step comes in its own turn: a program may end at once, and its pod is still being looked at.
      after(0, () => step(program.start(spec, host.pod)));
    },
    end(exitCode) {
      for (const cancel of timers) cancel();
      timers.clear();
      const reason = exitCode === 0 ? "Completed" : "Error";
      const finishedAt = timestamp(clock.now());
      const terminated = { exitCode, reason, startedAt, finishedAt, containerID: runtime.id };
      Object.assign(runtime, { state: { terminated }, lastState: {}, started: false, ready: false });
    },
  };
  return runtime;
}
