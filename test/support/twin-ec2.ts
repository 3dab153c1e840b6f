import { type Ec2Action, type Ec2Model, startEc2Emulator } from "@trunkline/emulator-ec2";
import { landscapeSeed, makeLandscape } from "@trunkline/local";
import { vi } from "vitest";
import { withoutDelay } from "./local-world.ts";

/** Calls that changed EC2, or tried to, in their order. */
export type History = readonly { readonly action: Ec2Action; readonly input: object }[];

/**
 * Notes from now on what changes the EC2 of a local world, which must do so {@link withoutDelay}.
 *
 * @param described - may change what a describe answers
 */
export function recordHistory(model: Ec2Model, described: (answer: object) => void): History {
  const history: { action: Ec2Action; input: object }[] = [];
  const perform = model.perform.bind(model);
  vi.spyOn(model, "perform").mockImplementation((action, input) => {
    if (!action.startsWith("Describe")) history.push({ action, input });
    const answer = perform(action, input);
    if (action.startsWith("Describe")) described(answer);
    return answer;
  });
  return history;
}

/**
 * Asks an EC2 that has lived through the same: with the same seed it gives the identifiers that the local world's will
 * give next.
 */
export async function withTwin<Answer>(history: History, ask: (twin: Ec2Model) => Answer): Promise<Answer> {
  const twin = await startEc2Emulator({ region: "us-west-2", seed: landscapeSeed, config: withoutDelay });
  try {
    const model = twin.model();
    makeLandscape(model);
    // Whoever listens makes EC2 give its events identifiers.
    model.onInstanceStateChange(() => {});
    for (const { action, input } of history) repeat(model, action, input);
    return ask(model);
  } finally {
    await twin.stop();
  }
}

function repeat(model: Ec2Model, action: Ec2Action, input: object): void {
  try {
    model.perform(action, input as never);
  } catch {
    // What was refused there is refused here too, and changes nothing.
  }
}
