import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repositoryRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const LEFT_OUT = new Set(['node_modules', 'dist', '.git', 'docs', 'fleet-repo-example']);

/** Every TypeScript source of the repository, as paths from its root, sorted. */
export function sourceFiles(): string[] {
  return readdirSync(repositoryRoot, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !LEFT_OUT.has(entry.name))
    .flatMap((room) =>
      readdirSync(join(repositoryRoot, room.name), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
        .map((entry) => join(entry.parentPath, entry.name).slice(repositoryRoot.length + 1)),
    )
    .sort();
}
