import type { Audience } from "./step.ts";

/** Shows the walk-through as it goes: one line as a step begins, what it saw as it ends. */
export function terminal(out: { write(text: string): unknown; isTTY?: boolean }): Audience {
  const paint = (code: number, text: string) => (out.isTTY ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    begins: (title, number, total) => {
      out.write(`\n${paint(1, `[${number}/${total}] ${title}`)}\n`);
    },
    ends: ({ seen, seconds, unmet, title }) => {
      for (const text of seen) out.write(`  ${paint(32, "✓")} ${text}\n`);
      if (unmet !== undefined) out.write(`  ${paint(31, "✗")} ${title}: ${unmet}\n`);
      out.write(paint(2, `  ${seconds.toFixed(1)} s\n`));
    },
  };
}
