import type { JetStreamClient } from '@nats-io/jetstream';
import { storeFault } from './connect.ts';

/** A stored message; `data` is only good during the callback. `sequence` is its place in the stream. */
export type StoredMessage = { subject: string; data: Uint8Array; sequence: number; storedAt: number };

/** A part of a stream: messages of one subject (wildcards are possible), from a place on, so many at most. */
export type Part = {
  readonly stream: string;
  readonly subject?: string;
  readonly from?: number;
  readonly most?: number;
};

const QUIET_MS = 5_000;
const BATCH = 500;

/**
 * Reads everything that a stream, or a part of one, holds when it begins, oldest first, and resolves with how many messages that were.
 * In a stream with one message per subject that is the last value of each.
 * @throws FlotillaError store-failed, also when nothing arrives for 5 s
 */
export async function readStream(
  client: JetStreamClient,
  what: string | Part,
  onMessage: (message: StoredMessage) => void,
  signal: AbortSignal,
): Promise<number> {
  const {
    stream,
    subject,
    from,
    most = Number.POSITIVE_INFINITY,
  } = typeof what === 'string' ? { stream: what } : (what as Part);
  let read = 0;
  try {
    const consumer = await client.consumers.get(stream, {
      ...(subject !== undefined && { filter_subjects: subject }),
      ...(from !== undefined && { opt_start_seq: from }),
    });
    let left = Math.min((await consumer.info()).num_pending, most);
    while (left > 0) {
      signal.throwIfAborted();
      const batch = await consumer.fetch({ max_messages: Math.min(BATCH, left), expires: QUIET_MS });
      const stop = () => batch.stop();
      signal.addEventListener('abort', stop, { once: true });
      let got = 0;
      for await (const { subject, data, seq, info } of batch) {
        onMessage({ subject, data, sequence: seq, storedAt: info.timestampNanos / 1e6 });
        got++;
        left = Math.min(info.pending, most - read - got);
      }
      signal.removeEventListener('abort', stop);
      signal.throwIfAborted();
      if (got === 0) throw new Error(`${left} messages did not arrive`);
      read += got;
    }
    await consumer.delete();
  } catch (error) {
    signal.throwIfAborted();
    throw storeFault(error, `stream ${stream} cannot be read`);
  }
  return read;
}
