import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { FlotillaError } from '#proto/faults.ts';
import { keyOf } from './signature.ts';

/** Gives the key that a gate names. @throws FlotillaError webhook-refused; the message names the secret and never what is in it */
export type ReadKey = (name: string) => Promise<Uint8Array>;

const MOST_BYTES = 4_096;
const FEWEST_BYTES = 16;

/**
 * Keys from a directory with one file for each, as a mounted Secret has them. They are read anew for every request, so that one that was
 * changed is in force at once.
 */
export function keysIn(directory: string | undefined): ReadKey {
  return async (name) => {
    if (directory === undefined)
      throw refused(name, 'cannot be read: the hub was given no --webhook-secrets');
    // Names come from Git: none leads out of the directory, nor to what a mount hides in it (`..data`).
    if (!/^[A-Za-z0-9][-A-Za-z0-9._]{0,127}$/.test(name)) throw refused(name, 'is no name of a file');
    const text = await readStart(join(directory, name), name);
    const key = keyOf(text.trim());
    if (key.length < FEWEST_BYTES || text.length > MOST_BYTES)
      throw refused(name, `has to have ${FEWEST_BYTES} to ${MOST_BYTES} bytes`);
    return key;
  };
}

async function readStart(path: string, name: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const buffer = Buffer.alloc(MOST_BYTES + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw refused(name, code === 'ENOENT' ? 'is not among those of the hub' : 'cannot be read', cause);
  }
}

function refused(name: string, why: string, cause?: unknown): FlotillaError {
  return new FlotillaError('webhook-refused', `webhook secret ${JSON.stringify(name)} ${why}`, { cause });
}
