/** Lines that are kept for each container; older ones are dropped, as log rotation would. */
const LINES_MAX = 2_000;

/** The bounded log of one container, over its restarts. */
export interface ContainerLog {
  append(lines: string[]): void;
  lines(): string[];
  /** Tells each later line until the returned function is called. */
  follow(listener: (line: string) => void): () => void;
}

/** Makes an empty log. */
export function createContainerLog(): ContainerLog {
  const kept: string[] = [];
  const listeners = new Set<(line: string) => void>();
  return {
    append(lines) {
      kept.push(...lines);
      if (kept.length > LINES_MAX) kept.splice(0, kept.length - LINES_MAX);
      for (const listener of listeners) for (const line of lines) listener(line);
    },
    lines: () => [...kept],
    follow(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
