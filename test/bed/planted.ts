import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Values of Secrets that every fixture uses: whatever the suites produce is searched for them, in each spelling in which a value could
 * get out. The letters of the core are spelled differently by URLs, JSON and HTML, and it stands wherever a value stands.
 */
const CORE = 'pl&nted/"';

export const planted = (what: string | number): string => `${CORE}${what}"?välue=${what}+`;

/** The letters of a base64 text that the bytes decide alone, wherever among others they begin. */
function base64Cores(text: string): string[] {
  return [0, 1, 2].map((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(text)]);
    const whole = Math.floor(bytes.length / 3) * 4;
    return bytes.toString('base64').slice(shift === 0 ? 0 : shift + 1, whole);
  });
}

const json = (text: string): string => JSON.stringify(text).slice(1, -1);
const SPELLINGS: readonly string[] = [
  ...new Set([
    CORE,
    json(CORE),
    json(json(CORE)),
    // As Go writes JSON, and the same inside of a text.
    json(CORE).replace('&', '\\u0026'),
    json(json(CORE).replace('&', '\\u0026')),
    CORE.replace('&', '&amp;').replace('"', '&quot;'),
    encodeURIComponent(CORE),
    encodeURI(CORE),
    encodeURIComponent(encodeURIComponent(CORE)),
    Buffer.from(CORE).toString('hex'),
    ...base64Cores(CORE),
    ...base64Cores(CORE).flatMap(base64Cores),
  ]),
];
const PATTERN = new RegExp(SPELLINGS.map((text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('|'));
const AROUND = 120;

/** The first place where a planted value stands, with what stands before it; undefined where there is none. */
export function plantedIn(text: string): string | undefined {
  const at = PATTERN.exec(text)?.index;
  return at === undefined ? undefined : text.slice(Math.max(0, at - AROUND), at + 40);
}

/** @throws Error that says where it stands. `produced` is text, or anything that JSON can spell */
export function refusePlanted(what: string, produced: unknown): void {
  const found = plantedIn(typeof produced === 'string' ? produced : (JSON.stringify(produced) ?? ''));
  if (found !== undefined) throw new Error(`${what} holds the value of a Secret: ${found}`);
}

/** A directory of this name holds what a test hands to its processes. */
export const GIVEN = 'given';

/** An API server logs objects that it cannot read as they are. */
const NOT_OURS = /^kube-apiserver\.log$/;

/** Overlays, repositories and etcd are where Secrets belong. */
const holdsSecrets = (names: ReadonlySet<string>): boolean =>
  names.has('.git') ||
  (names.has('HEAD') && names.has('objects')) ||
  names.has('flotilla.yaml') ||
  names.has('kustomization.yaml') ||
  (names.has('snap') && names.has('wal'));

/** Searches all files that processes left behind: logs, state, streams. @throws Error */
export async function refusePlantedFiles(dir: string): Promise<void> {
  const entries = await readdir(dir, { withFileTypes: true });
  if (holdsSecrets(new Set(entries.map(({ name }) => name)))) return;
  for (const entry of entries) {
    const path = join(dir, entry.name);
    if (entry.name === GIVEN || NOT_OURS.test(entry.name)) continue;
    if (entry.isDirectory()) await refusePlantedFiles(path);
    else if (entry.isFile()) refusePlanted(path, await readFile(path, 'latin1'));
  }
}
