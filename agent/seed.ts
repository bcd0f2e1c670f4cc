import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FlotillaError } from '#proto/faults.ts';
import { createNkey, type Nkey, nkeyFromSeed } from '#proto/nkey.ts';
import { readConfigured } from './config.ts';

/**
 * The identity of an agent: a user nkey whose public half stands in its cluster entry. The seed never leaves its file.
 */
export type AgentKey = { key: Nkey /** Set where others can read the file. */; warning?: string };

/** @throws FlotillaError config-invalid that does not repeat what the file holds */
export function readSeed(file: string): AgentKey {
  const text = readConfigured(file, 'seed file');
  let key: Nkey;
  try {
    key = nkeyFromSeed(text);
  } catch (cause) {
    throw new FlotillaError('config-invalid', `seed file ${file}: ${(cause as Error).message}`);
  }
  if (key.role !== 'user') {
    throw new FlotillaError(
      'config-invalid',
      `seed file ${file}: a seed of role ${key.role}, not of a user (SU…)`,
    );
  }
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o077) === 0) return { key };
  const shown = mode.toString(8).padStart(4, '0');
  return { key, warning: `seed file ${file} can be read by others (mode ${shown}); make it 0600` };
}

/** Makes the seed unless it exists, readable by its owner only, and returns the public key. Idempotent. */
export function initSeed(file: string): { publicKey: string; created: boolean } {
  const fresh = createNkey('user');
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${fresh.seed}\n`, { mode: 0o600, flag: 'wx' });
    return { publicKey: fresh.publicKey, created: true };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') {
      return { publicKey: readSeed(file).key.publicKey, created: false };
    }
    throw new FlotillaError(
      'config-invalid',
      `seed file ${file} cannot be written: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}
