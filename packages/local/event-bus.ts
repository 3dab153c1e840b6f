/** The part of EventBridge's pattern language that the deployed rule uses: nested fields with lists of exact values. */
export interface EventPattern {
  readonly [field: string]: readonly string[] | EventPattern;
}

/**
 * Tells whether EventBridge would deliver the event to a rule with this pattern.
 * See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
 */
export function matchesPattern(event: Readonly<Record<string, unknown>>, pattern: EventPattern): boolean {
  return Object.entries(pattern).every(([field, wanted]) => {
    const value = event[field];
    if (Array.isArray(wanted)) return typeof value === "string" && wanted.includes(value);
    return (
      typeof value === "object" &&
      value !== null &&
      matchesPattern(value as Record<string, unknown>, wanted as EventPattern)
    );
  });
}
