import { ConnectionDropped, Ec2Error } from "./errors.ts";

/** A fault to inject into calls. */
export interface Fault {
  /** The action that it hits; `*` hits all. */
  readonly action: string;
  /** Before the effect (nothing happens) or after it (it happened, but the caller hears otherwise). */
  readonly when: "before" | "after";
  /** How often: with a probability between 0 and 1, or each of the next so many calls. */
  readonly frequency: { readonly probability: number } | { readonly next: number };
  /** What the caller gets: an error, or no answer at all. */
  readonly answer: "drop" | { readonly code: string; readonly message?: string; readonly status?: number };
}

/** A fault that is armed. */
export interface ArmedFault extends Fault {
  readonly id: number;
  /** How many calls it has hit. */
  readonly fired: number;
}

const FAULTS_MAX = 1_000;

/** The faults that are armed. */
export class Faults {
  #armed: (ArmedFault & { fired: number })[] = [];
  #lastId = 0;
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Arms a fault and returns its number. */
  add(fault: Fault): number {
    if (this.#armed.length >= FAULTS_MAX) throw new RangeError(`At most ${FAULTS_MAX} faults can be armed.`);
    const id = ++this.#lastId;
    this.#armed.push({ ...fault, id, fired: 0 });
    return id;
  }

  /** Disarms one fault. */
  remove(id: number): void {
    this.#armed = this.#armed.filter((fault) => fault.id !== id);
  }

  /** Disarms all faults. */
  clear(): void {
    this.#armed = [];
  }

  list(): readonly ArmedFault[] {
    return this.#armed.map((fault) => ({ ...fault }));
  }

  /** Throws the first armed fault that hits this call at this moment. */
  strike(action: string, when: Fault["when"]): void {
    for (const fault of this.#armed) {
      if (fault.when !== when || (fault.action !== "*" && fault.action !== action)) continue;
      if (!this.#hits(fault)) continue;
      fault.fired++;
      if ("next" in fault.frequency && fault.fired >= fault.frequency.next) this.remove(fault.id);
      throw thrown(fault.answer, action);
    }
  }

  #hits(fault: ArmedFault): boolean {
    const { frequency } = fault;
    return "next" in frequency || this.#random() < frequency.probability;
  }
}

function thrown(answer: Fault["answer"], action: string): Error {
  if (answer === "drop") return new ConnectionDropped(`The answer of ${action} was dropped on request.`);
  const { code, message = "An injected fault.", status } = answer;
  return new Ec2Error(code, message, status ?? defaultStatus(code));
}

function defaultStatus(code: string): number {
  if (/^(RequestLimitExceeded|Unavailable|ServiceUnavailable)$/.test(code)) return 503;
  return /^(InternalError|InternalFailure|ServerInternal)$/.test(code) ? 500 : 400;
}
