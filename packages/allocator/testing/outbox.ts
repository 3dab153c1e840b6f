import type { Clock, Envelope, Outbox, Outcome } from "@trunkline/core";

/** A message that was sent, with the time from which it can be received. */
export interface SentMessage {
  readonly envelope: Envelope;
  readonly sentAt: number;
  readonly dueAt: number;
}

/** An outbox that keeps what was sent. */
export interface InMemoryOutbox extends Outbox {
  readonly sent: SentMessage[];
  outcomes(): readonly Outcome[];
}

/** Makes an empty outbox. */
export const createInMemoryOutbox = (clock: Clock): InMemoryOutbox => {
  const sent: SentMessage[] = [];
  return {
    sent,
    outcomes: () => sent.flatMap(({ envelope }) => (envelope.to === "outcomes" ? [envelope.body] : [])),
    send: async (envelopes) => {
      const sentAt = clock.now();
      for (const envelope of envelopes) {
        const delaySeconds = "delaySeconds" in envelope ? envelope.delaySeconds : 0;
        if (delaySeconds < 0 || delaySeconds > 900) throw new Error(`SQS takes no delay of ${delaySeconds} seconds.`);
        sent.push({ envelope: JSON.parse(JSON.stringify(envelope)), sentAt, dueAt: sentAt + delaySeconds * 1_000 });
      }
    },
  };
};
