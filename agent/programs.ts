import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { FlotillaError } from '#proto/faults.ts';

/** The program that was named, else the one on the PATH, as an absolute path. @throws FlotillaError render-tool-missing */
export function findProgram(name: 'kustomize' | 'helm', named: string | undefined, path: string): string {
  if (named !== undefined) return resolve(named);
  const found = path
    .split(delimiter)
    .filter(Boolean)
    .map((directory) => join(directory, name))
    .find((file) => existsSync(file));
  if (found) return resolve(found);
  throw new FlotillaError(
    'render-tool-missing',
    `${name} is not on the PATH, and FLOTILLA_${name.toUpperCase()} (--${name}) names none`,
  );
}
