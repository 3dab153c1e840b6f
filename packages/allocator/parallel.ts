/** Runs a task for each element, at most `limit` at the same time; the results keep the order of the elements. */
export const parallel = async <Element, Result>(
  elements: readonly Element[],
  limit: number,
  task: (element: Element) => Promise<Result>,
): Promise<readonly Result[]> => {
  const results: Result[] = [];
  const rest = elements.entries();
  const worker = async (): Promise<void> => {
    for (const [position, element] of rest) results[position] = await task(element);
  };
  await Promise.all(Array.from({ length: Math.min(limit, elements.length) }, worker));
  return results;
};
