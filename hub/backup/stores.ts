import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { FlotillaError } from '#proto/faults.ts';
import { STREAMS } from '#proto/subjects.ts';
import { dialNats, storeFault } from '../bus/connect.ts';
import { readStream } from '../bus/read-stream.ts';
import { StateBucket } from '../bus/state-bucket.ts';
import { ensureStreams } from '../bus/streams.ts';
import type { Trust } from '../bus/trust.ts';
import type { Item } from './archive.ts';

/** What JetStream holds besides state and is not told anew: statuses are. Documents before the state that they follow from. */
export const KEPT_STREAMS = [STREAMS.desired, STREAMS.audit, STREAMS.history] as const;

const PATIENCE_MS = 10_000;

/** JetStream as a backup or a restore uses it. @throws FlotillaError nats-unreachable, nats-refused, store-failed */
export async function withStores<T>(
  { servers, trust }: { servers: readonly string[]; trust: Trust },
  use: (stores: { client: JetStreamClient; bucket: StateBucket }) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  let trouble = 'no answer';
  const limit = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  const note = ({ message }: { message: string }) => {
    trouble = message;
  };
  const connection: NatsConnection | undefined = await dialNats(
    { servers, trust, reconnectMs: 1_000 },
    note,
    limit,
  );
  signal.throwIfAborted();
  if (!connection) throw new FlotillaError('nats-unreachable', trouble);
  try {
    const client = jetstream(connection);
    const bucket = new StateBucket(client);
    await bucket.open();
    await ensureStreams(await client.jetstreamManager(false));
    return await use({ client, bucket });
  } finally {
    await connection.close();
  }
}

const isCluster = (key: string) => key.startsWith('cluster.');

/**
 * Entries of state as they would be after a crash at some moment: where they change while they are read, lines are older than the
 * clusters, in the order in which a hub saves them.
 */
export async function readState(bucket: StateBucket, signal: AbortSignal): Promise<Item[]> {
  const first = await bucket.load(signal);
  const second = await bucket.load(signal);
  const chosen = new Map([...first].filter(([key]) => !isCluster(key)));
  for (const [key, entry] of second) if (isCluster(key)) chosen.set(key, entry);
  return [...chosen].flatMap(([key, { text }]) =>
    text === '' ? [] : [{ kind: 'state' as const, key, text }],
  );
}

export async function* readMessages(
  client: JetStreamClient,
  stream: string,
  signal: AbortSignal,
): AsyncGenerator<Item> {
  const read: Item[] = [];
  const part = 5_000;
  const { state } = await (await client.jetstreamManager(false)).streams.info(stream);
  for (let from = state.first_seq; from <= state.last_seq; ) {
    let last = 0;
    const got = await readStream(
      client,
      { stream, from, most: part },
      ({ subject, data, sequence }) => {
        read.push({ kind: 'message', stream, subject, text: Buffer.from(data).toString('utf8') });
        last = sequence;
      },
      signal,
    );
    yield* read.splice(0);
    if (got === 0) return;
    from = last + 1;
  }
}

/** How many messages a stream holds. @throws FlotillaError store-failed */
export async function countOf(client: JetStreamClient, stream: string): Promise<number> {
  try {
    return (await (await client.jetstreamManager(false)).streams.info(stream)).state.messages;
  } catch (error) {
    throw storeFault(error, `stream ${stream} cannot be read`);
  }
}
