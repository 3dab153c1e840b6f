/**
 * DynamoDB did not do what it was asked, and not because a condition failed: it throttled, was out of reach, or refused
 * the request. What was asked may or may not have happened.
 */
export class LedgerError extends Error {
  override readonly name = "LedgerError";
}

/** Says in one sentence what failed, and keeps the reason. */
export function ledgerError(doing: string, cause: unknown): LedgerError {
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new LedgerError(`DynamoDB failed while ${doing}: ${reason}`, { cause });
}
