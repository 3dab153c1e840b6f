import type { MiddlewareStack } from "@smithy/types";

/** What one fault does, and to which call. */
export interface Fault {
  /** Name of the SDK's command without its suffix, such as `PutItem`; any command when absent. */
  readonly command?: string | undefined;
  /** Which of the matching calls from now on, 1 being the next. Default 1. */
  readonly nth?: number | undefined;
  /** Before the request is sent, or after its effect: then only the answer is lost. */
  readonly phase: "before" | "after";
  /** `attempt` fails one try and leaves it to the SDK to repeat it; `call` fails the whole call. */
  readonly scope: "attempt" | "call";
  /** What the caller meets. */
  readonly error: () => Error;
  /** True when every later call of an attached client fails as well until `heal`: the worker is dead. */
  readonly deadly?: boolean | undefined;
}

/** Faults for the real adapters, by middleware of the SDK's clients. */
export interface Faults {
  /** Puts the faults into a client. Several clients may share them, and are then counted together. */
  attach(client: { readonly middlewareStack: unknown }): void;
  inject(fault: Fault): void;
  /** Takes all faults away, fired or not. */
  heal(): void;
  /** Names of the commands called so far, in order, without repeats by the SDK. */
  readonly calls: readonly string[];
  /** How many faults have fired. */
  readonly fired: number;
}

type Next = (input: never) => Promise<unknown>;
type Stack = MiddlewareStack<object, object>;

/** Makes a set of faults, empty at first. */
export function createFaults(): Faults {
  const calls: string[] = [];
  let pending: { readonly fault: Fault; left: number }[] = [];
  let dead: Fault | undefined;
  let fired = 0;

  const firing = (command: string, scope: Fault["scope"]): Fault | undefined => {
    if (dead !== undefined) throw dead.error();
    for (const candidate of pending) {
      const { fault } = candidate;
      if (fault.scope !== scope || (fault.command ?? command) !== command) continue;
      candidate.left -= 1;
      if (candidate.left > 0) continue;
      pending = pending.filter((other) => other !== candidate);
      return fault;
    }
    return undefined;
  };

  const fire = (fault: Fault): never => {
    fired += 1;
    if (fault.deadly) dead = fault;
    throw fault.error();
  };

  const through =
    (scope: Fault["scope"]) => (next: Next, context: { commandName?: string }) => async (input: never) => {
      const command = (context.commandName ?? "").replace(/Command$/, "");
      const fault = firing(command, scope);
      if (scope === "call") calls.push(command);
      if (fault?.phase === "before") fire(fault);
      const answer = await next(input);
      if (fault !== undefined) fire(fault);
      // A call that was under way when its worker died never hears its answer.
      if (dead !== undefined) throw dead.error();
      return answer;
    };

  return {
    attach: (client) => {
      const stack = client.middlewareStack as Stack;
      stack.add(through("call") as never, { step: "initialize", priority: "high", name: "callFaults" });
      stack.addRelativeTo(through("attempt") as never, {
        relation: "after",
        toMiddleware: "retryMiddleware",
        name: "attemptFaults",
      });
    },
    inject: (fault) => {
      pending.push({ fault, left: fault.nth ?? 1 });
    },
    heal: () => {
      pending = [];
      dead = undefined;
    },
    calls,
    get fired() {
      return fired;
    },
  };
}

/** The connection broke before the answer came; the SDK repeats such a call. */
export function lostAnswer(): Error {
  return Object.assign(new Error("socket hang up"), { name: "TimeoutError", code: "ECONNRESET" });
}

/** The worker was killed: nothing repeats such a call. */
export function killed(): Error {
  return Object.assign(new Error("The worker was killed."), { name: "Killed" });
}
