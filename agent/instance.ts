import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FlotillaError } from '#proto/faults.ts';

/**
 * A name for this installation of the agent, made once and kept in its data directory: after a restart it is the same, and the
 * Lease is taken at once; a second installation has another one and waits.
 */
export function instanceName(dataDir: string): string {
  const file = join(dataDir, 'instance');
  try {
    mkdirSync(dataDir, { recursive: true });
    try {
      writeFileSync(file, `${randomBytes(6).toString('hex')}\n`, { flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new FlotillaError(
      'config-invalid',
      `data directory ${dataDir} cannot be used: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}
