import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos } from 'nats';
import { canonicalJson } from '#proto/canonical.ts';
import { LIMITS } from '#proto/limits.ts';
import { STREAMS } from '#proto/subjects.ts';
import { storeFault } from './connect.ts';

const DAY_MS = 86_400_000;
const MiB = 1024 * 1024;
export const HISTORY_PER_ASSIGNMENT = 100;

/**
 * The streams of design/20-protocol. Those that agents publish into send no acknowledgement: it would go to a reply subject
 * that the agent chose, with the server's rights. They also bound their size, so that no agent fills the disk.
 * Only what nats-server 2.9 knows is asked for.
 */
const STREAM_CONFIGS: readonly (Partial<StreamConfig> & { name: string })[] = [
  {
    name: STREAMS.desired,
    subjects: ['desired.*'],
    max_msgs_per_subject: 1,
    republish: { src: 'desired.*', dest: 'down.{{wildcard(1)}}.desired' },
  },
  {
    name: STREAMS.status,
    subjects: ['up.*.status.*'],
    max_msgs_per_subject: 1,
    max_msg_size: LIMITS.messageBytes,
    max_bytes: 4096 * MiB,
    no_ack: true,
  },
  {
    name: STREAMS.events,
    subjects: ['up.*.event'],
    max_age: nanos(30 * DAY_MS),
    max_msg_size: LIMITS.messageBytes,
    max_bytes: 256 * MiB,
    no_ack: true,
  },
  {
    // Append only: what was done cannot be taken back by whoever may use the API of JetStream, short of deleting the stream.
    name: STREAMS.audit,
    subjects: ['audit.>'],
    max_age: nanos(400 * DAY_MS),
    max_bytes: 512 * MiB,
    max_msg_size: 64 * 1024,
    deny_delete: true,
    deny_purge: true,
  },
  {
    // Apart from the audit, so that no number of clusters pushes out what people did, and no cluster the history of others.
    name: STREAMS.history,
    subjects: ['history.*.*'],
    max_age: nanos(400 * DAY_MS),
    max_msgs_per_subject: HISTORY_PER_ASSIGNMENT,
    max_bytes: 1024 * MiB,
    max_msg_size: 64 * 1024,
  },
];

const TOO_LITTLE_ROOM = 10_047;

/**
 * Makes the streams that are missing and brings the others to the configuration above. Safe to repeat.
 * @throws FlotillaError store-failed
 */
export async function ensureStreams(manager: JetStreamManager): Promise<void> {
  for (const config of STREAM_CONFIGS) {
    try {
      await ensure(manager, config);
    } catch (error) {
      const isTooMuch = error instanceof JetStreamApiError && error.code === TOO_LITTLE_ROOM;
      const bounds = STREAM_CONFIGS.reduce((sum, { max_bytes = 0 }) => sum + max_bytes, 0);
      const room = `, for all of them may grow to ${(bounds / 2 ** 30).toFixed(1)} GiB, and nats-server counts three quarters of what was free when it started`;
      throw storeFault(error, `stream ${config.name} cannot be made${isTooMuch ? room : ''}`);
    }
  }
}

async function ensure(
  manager: JetStreamManager,
  wanted: Partial<StreamConfig> & { name: string },
): Promise<void> {
  let has: StreamConfig;
  try {
    has = (await manager.streams.info(wanted.name)).config;
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== JetStreamApiCodes.StreamNotFound) throw error;
    await manager.streams.add(wanted);
    return;
  }
  const differs = Object.entries(wanted).some(
    ([key, value]) => canonicalJson(has[key as keyof StreamConfig]) !== canonicalJson(value),
  );
  if (differs) await manager.streams.update(wanted.name, { ...has, ...wanted });
}
