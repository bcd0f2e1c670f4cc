import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { FlotillaError } from '#proto/faults.ts';

/** The kustomize that was named, else the one on the PATH, as an absolute path. @throws FlotillaError config-invalid */
export function findKustomize(named: string | undefined, path: string): string {
  if (named !== undefined) return resolve(named);
  const found = path
    .split(delimiter)
    .filter(Boolean)
    .map((directory) => join(directory, 'kustomize'))
    .find((file) => existsSync(file));
  if (found) return resolve(found);
  throw new FlotillaError(
    'config-invalid',
    'FLOTILLA_KUSTOMIZE (--kustomize) is missing, and no kustomize is on the PATH',
  );
}
