import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FlotillaError } from '#proto/faults.ts';

/** The hub's own secrets: keys, and the tokens of its users. Everything else in its directory can be fetched again. */
const FOLDERS = ['keys', 'access'];
const SAFE = /^(keys|access)(\/[A-Za-z0-9][A-Za-z0-9._-]*)+$/;

export type SecretFile = { readonly path: string; readonly text: string };

/** All secret files below a hub's directory, by path. @throws FlotillaError backup-failed */
export function readSecrets(dataDir: string): SecretFile[] {
  const found: SecretFile[] = [];
  const walk = (path: string): void => {
    for (const one of readdirSync(join(dataDir, path), { withFileTypes: true })) {
      const inner = `${path}/${one.name}`;
      if (one.isDirectory()) walk(inner);
      else if (SAFE.test(inner))
        found.push({ path: inner, text: readFileSync(join(dataDir, inner), 'utf8') });
    }
  };
  try {
    for (const folder of FOLDERS) if (readdirSync(dataDir).includes(folder)) walk(folder);
  } catch (cause) {
    throw new FlotillaError('backup-failed', `${dataDir} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * Which of the files are there with another content; nothing is written.
 * @throws FlotillaError backup-invalid for a path that leads elsewhere
 */
export function differingSecrets(dataDir: string, files: readonly SecretFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    if (!SAFE.test(path)) throw new FlotillaError('backup-invalid', `the backup has a file ${path}`);
    const has = readIfThere(join(dataDir, path));
    return has === undefined || has === text ? [] : [path];
  });
}

/** Writes files that only their owner can read, each whole or not at all. @throws FlotillaError restore-failed */
export function writeSecrets(dataDir: string, files: readonly SecretFile[]): void {
  for (const { path, text } of files) {
    const file = join(dataDir, path);
    try {
      if (readIfThere(file) === text) continue;
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
      renameSync(`${file}.new`, file);
    } catch (cause) {
      throw new FlotillaError('restore-failed', `${file} cannot be written: ${(cause as Error).message}`, {
        cause,
      });
    }
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
