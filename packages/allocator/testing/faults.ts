/** Where a port call is hit: before its effect, or after it, so that its caller never hears. */
export type Phase = "before" | "after";

/** A port call as it passes. */
export interface PortCall {
  readonly port: string;
  readonly method: string;
  /** Counts all calls that pass, from 1. */
  readonly number: number;
}

/** Sees every call to every port; may throw, and may let something else happen first. */
export type Hook = (call: PortCall, phase: Phase) => void | Promise<void>;

/** Counts and shows the calls of all ports that share it. */
export interface Tap {
  readonly calls: PortCall[];
  hook: Hook | undefined;
}

/** A tap that lets everything pass. */
export const createTap = (): Tap => ({ calls: [], hook: undefined });

/** The port with a tap on each of its asynchronous methods. Methods that the caller does not await pass untapped. */
export const tapped = <Port extends object>(
  name: string,
  port: Port,
  tap: Tap,
  untapped: readonly string[] = [],
): Port =>
  new Proxy(port, {
    get: (target, method) => {
      const value: unknown = Reflect.get(target, method);
      if (typeof value !== "function" || typeof method !== "string" || untapped.includes(method)) return value;
      return async (...parameters: readonly unknown[]) => {
        const call: PortCall = { port: name, method, number: tap.calls.length + 1 };
        tap.calls.push(call);
        await tap.hook?.(call, "before");
        const answer: unknown = await Reflect.apply(value, target, parameters);
        await tap.hook?.(call, "after");
        return answer;
      };
    },
  });

/** Lets something else happen once, before the next call of a port's method passes. */
export const interleave = (tap: Tap, port: string, method: string, other: () => Promise<void>): void => {
  tap.hook = async (call, phase) => {
    if (call.port !== port || call.method !== method || phase !== "before") return;
    tap.hook = undefined;
    await other();
  };
};

/** Kills the worker at one port call; everything that it would have done afterwards is lost with it. */
export const crashAt = ({ tap }: { readonly tap: Tap }, number: number, phase: Phase): void => {
  let isDead = false;
  tap.hook = (call, at) => {
    if (call.number === number && at === phase) isDead = true;
    if (call.number > number) isDead = false;
    if (isDead) throw new Error(`The worker was killed ${phase} call ${number}.`);
  };
};
