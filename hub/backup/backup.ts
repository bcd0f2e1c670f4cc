import { statSync } from 'node:fs';
import { join } from 'node:path';
import { loadTrust } from '../bus/trust.ts';
import { type Counts, type Item, writeArchive } from './archive.ts';
import { readSecrets } from './files.ts';
import { KEPT_STREAMS, readMessages, readState, withStores } from './stores.ts';

export type BackupOptions = {
  /** A file to write, or a directory to write one into. */
  target: string;
  dataDir: string;
  natsUrls: readonly string[];
  force: boolean;
  version: string;
  /** Unix milliseconds. */
  now: number;
};

/**
 * Writes keys, tokens, state, documents and audit of a hub into one file, while the hub goes on. It holds seeds: whoever has it
 * is the hub.
 * @throws FlotillaError backup-failed, config-invalid, nats-unreachable, nats-refused, store-failed
 */
export async function backUp(
  options: BackupOptions,
  signal: AbortSignal,
): Promise<{ file: string; counts: Counts }> {
  const { dataDir, natsUrls, force, version, now } = options;
  const trust = loadTrust(dataDir);
  const at = new Date(now).toISOString();
  const file = fileIn(options.target, at);
  const secrets = readSecrets(dataDir);
  const counts = await withStores(
    { servers: natsUrls, trust },
    ({ client, bucket }) => {
      async function* items(): AsyncGenerator<Item> {
        for (const secret of secrets) yield { kind: 'file', ...secret };
        for (const stream of KEPT_STREAMS) yield* readMessages(client, stream, signal);
        yield* await readState(bucket, signal);
      }
      return writeArchive(file, { at, version, hub: trust.hub.publicKey }, items(), force);
    },
    signal,
  );
  return { file, counts };
}

function fileIn(target: string, at: string): string {
  const isDirectory = statSync(target, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return isDirectory ? join(target, `flotilla-hub-${at.replace(/[:.]/g, '-')}.backup`) : target;
}
