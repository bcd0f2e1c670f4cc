import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { readYaml, YamlFault } from '#render/yaml/read.ts';
import { writeYaml } from '#render/yaml/write.ts';
import { refused } from './tree.ts';

export const LOCK_FILE = 'charts.lock.yaml';

const SHA256 = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const LOCK = z.strictObject({
  charts: z.array(
    z.strictObject({
      name: z.string(),
      version: z.string(),
      /** Where it was taken from: the address of an archive, or a path as it was given. */
      source: z.string(),
      /** Of the archive as it was read. */
      archive: SHA256.optional(),
      /** Of the files that stand in the fleet repo. */
      tree: SHA256,
    }),
  ),
});
export type LockEntry = z.infer<typeof LOCK>['charts'][number];

/** The entries by name; none where there is no file. @throws FlotillaError chart-refused */
export async function readLock(file: string): Promise<Map<string, LockEntry>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return new Map();
  try {
    const { charts } = LOCK.parse(readYaml(text)[0]?.value);
    return new Map(charts.map((entry) => [entry.name, entry]));
  } catch (error) {
    const why = error instanceof YamlFault ? `:${error.at.line}: ${error.message}` : ' is no lock of charts';
    throw refused(`${file}${why}`, error);
  }
}

export async function writeLock(file: string, entries: ReadonlyMap<string, LockEntry>): Promise<void> {
  const charts = [...entries.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ archive, ...entry }) => (archive === undefined ? entry : { ...entry, archive }));
  const head = '# Written by flotilla chart vendor; flotilla chart vendor --check compares.\n';
  await writeFile(file, head + writeYaml([{ charts }]));
}
