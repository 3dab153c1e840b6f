/**
 * Runs a task for each element, at most `limit` at the same time; the results keep the order of the elements. A task that fails keeps no other one
 * from its end: only then the first failure is thrown, so that nothing goes on behind the caller's back.
 */
export const parallel = async <Element, Result>(
  elements: readonly Element[],
  limit: number,
  task: (element: Element) => Promise<Result>,
): Promise<readonly Result[]> => {
  const results: Result[] = [];
  const failures: unknown[] = [];
  const rest = elements.entries();
  const worker = async (): Promise<void> => {
    for (const [position, element] of rest) {
      try {
        results[position] = await task(element);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, elements.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
};
