import type { JetStreamClient } from '@nats-io/jetstream';
import { pause } from '#process/wait.ts';
import { FlotillaError } from '#proto/faults.ts';
import { STREAMS } from '#proto/subjects.ts';
import { restored } from '#rollouts/recover.ts';
import { storeFault } from '../bus/connect.ts';
import { Lease } from '../bus/lease.ts';
import type { StateBucket } from '../bus/state-bucket.ts';
import { loadTrust } from '../bus/trust.ts';
import type { LeaseEntry } from '../core/lease.ts';
import { decodeState, encodeState } from '../core/state-codec.ts';
import { type Counts, checkArchive, type Header, type Item, readArchive } from './archive.ts';
import { differingSecrets, type SecretFile, writeSecrets } from './files.ts';
import { countOf, withStores } from './stores.ts';

export type RestoreOptions = {
  file: string;
  dataDir: string;
  natsUrls: readonly string[];
  force: boolean;
  leaseMs: number;
  /** Unix milliseconds. */
  now: () => number;
  /** For people: what is waited for. */
  talk: (line: string) => void;
};

const AT_ONCE = 200;
const TIMEOUT_MS = 5_000;

/**
 * Puts a backup back: secrets first, so that nats-server can be set up with them, then what JetStream holds. The hub that starts on
 * it is Recovered: agents that were told more since are taken up as they are, and nothing moves until somebody resumes. All
 * is checked before anything is written; what is there already is kept, unless `force` says otherwise. Can be repeated.
 * @throws FlotillaError backup-invalid, restore-failed, nats-unreachable, nats-refused, store-failed
 */
export async function restore(
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<{ header: Header; counts: Counts }> {
  const { file, dataDir, natsUrls, force, now } = options;
  const checked = await checkArchive(file);
  const entries = new Map<string, string>();
  const secrets: SecretFile[] = [];
  for await (const item of readArchive(file, () => undefined)) {
    if (item.kind === 'file') secrets.push({ path: item.path, text: item.text });
    if (item.kind === 'state') entries.set(item.key, item.text);
  }
  const { state, unreadable } = decodeState(entries);
  if (unreadable.length > 0)
    throw new FlotillaError(
      'backup-invalid',
      `${file}: ${unreadable.join(', ')} cannot be read by this version`,
    );
  const others = differingSecrets(dataDir, secrets);
  if (others.length > 0 && !force)
    throw new FlotillaError(
      'restore-failed',
      `${dataDir} has others already: ${others.join(', ')}; --force replaces them`,
    );
  writeSecrets(dataDir, secrets);
  const trust = loadTrust(dataDir);
  await withStores(
    { servers: natsUrls, trust },
    async ({ client, bucket }) => {
      const lease = await takeLease(bucket, options, signal);
      try {
        await restoreState(
          bucket,
          encodeState({ ...state, fleet: restored(state.fleet, now()) }),
          force,
          signal,
        );
        await restoreMessages(client, options, signal);
      } finally {
        await lease.release(bucket);
      }
    },
    signal,
  ).catch((error: unknown) => {
    if (!(error instanceof FlotillaError) || !/^nats-/.test(error.code)) throw error;
    const then =
      'the secrets are restored; set up and start nats-server with them (`init`), then restore again';
    throw new FlotillaError(error.code, `${error.message}: ${then}`, { cause: error });
  });
  return checked;
}

/** No hub decides while it is restored: it holds their lease. */
async function takeLease(
  bucket: StateBucket,
  { leaseMs, talk }: RestoreOptions,
  signal: AbortSignal,
): Promise<Lease> {
  let holder: LeaseEntry | undefined;
  const lease = new Lease(
    { id: `restore-${process.pid}-${performance.now()}`, name: 'restore', durationMs: leaseMs },
    {
      won: () => undefined,
      lost: () => undefined,
      stored: () => undefined,
      leader: (entry) => {
        holder = entry;
      },
    },
  );
  await lease.tick(bucket);
  const span = Math.max(leaseMs, holder?.durationMs ?? 0) + 1_000;
  if (!lease.held) talk(`hub ${holder?.name} may be at work; looking for ${Math.ceil(span / 1_000)} s`);
  for (let waited = 0; !lease.held && waited < span; waited += 500) {
    await pause(500, signal);
    signal.throwIfAborted();
    await lease.tick(bucket);
  }
  if (!lease.held)
    throw new FlotillaError(
      'restore-failed',
      `hub ${holder?.name} is at work: stop all hubs of this NATS first`,
    );
  return lease;
}

async function restoreState(
  bucket: StateBucket,
  wanted: ReadonlyMap<string, string>,
  force: boolean,
  signal: AbortSignal,
): Promise<void> {
  const has = await bucket.load(signal);
  const filled = [...has].filter(([, { text }]) => text !== '').map(([key]) => key);
  if (filled.length > 0 && !force)
    throw new FlotillaError('restore-failed', 'JetStream has state of a hub already; --force replaces it');
  const gone = filled.filter((key) => !wanted.has(key)).map((key) => [key, ''] as const);
  const writes = [...gone, ...wanted];
  for (let at = 0; at < writes.length; at += AT_ONCE) {
    signal.throwIfAborted();
    const done = await Promise.all(
      writes.slice(at, at + AT_ONCE).map(([key, text]) => bucket.put(key, text)),
    );
    if (done.includes(undefined)) throw new FlotillaError('restore-failed', 'a hub has written meanwhile');
  }
}

/** Documents replace what is there; what was audited is only added where nothing is. */
async function restoreMessages(
  client: JetStreamClient,
  { file, force }: RestoreOptions,
  signal: AbortSignal,
): Promise<void> {
  const open = new Map<string, boolean>();
  let writes: Item[] = [];
  const isOpen = async (stream: string): Promise<boolean> => {
    const count = await countOf(client, stream);
    if (count > 0 && stream === STREAMS.desired && force) {
      await (await client.jetstreamManager(false)).streams.purge(stream);
      return true;
    }
    return count === 0;
  };
  const flush = async () => {
    await Promise.all(writes.map((item) => (item.kind === 'message' ? publish(client, item) : undefined)));
    writes = [];
  };
  for await (const item of readArchive(file, () => undefined)) {
    if (item.kind !== 'message') continue;
    signal.throwIfAborted();
    if (!open.has(item.stream)) open.set(item.stream, await isOpen(item.stream));
    if (open.get(item.stream)) writes.push(item);
    if (writes.length >= AT_ONCE) await flush();
  }
  await flush();
}

async function publish(
  client: JetStreamClient,
  { stream, subject, text }: Extract<Item, { kind: 'message' }>,
) {
  try {
    await client.publish(subject, text, { timeout: TIMEOUT_MS, expect: { streamName: stream } });
  } catch (error) {
    throw storeFault(error, `${stream} cannot be written`);
  }
}
