import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackChart } from './archive.ts';
import { readTree, replaceTree } from './directory.ts';
import { LOCK_FILE, type LockEntry, readLock, writeLock } from './lock.ts';
import { fetchChart, sha256 } from './repository.ts';
import { CHART_LIMITS, type ChartTree, identify, refused, treeDigest } from './tree.ts';

/** Where a chart comes from: a directory or an archive on this machine, or a version in a repository. */
export type ChartSource = { readonly path: string } | { repo: string; name: string; version: string };
export type Vendored = LockEntry & { readonly files: number; readonly outcome: 'written' | 'unchanged' };

/**
 * Writes a chart below a directory, as it is, and what it is into the lock there.
 *
 * @param force writes over files that the lock does not know
 * @returns undefined where other files stand there that it would destroy
 * @throws FlotillaError chart-refused, chart-unavailable
 */
export async function vendorChart(
  source: ChartSource,
  into: string,
  force: boolean,
  signal: AbortSignal,
): Promise<Vendored | { readonly name: string; readonly outcome: 'kept' }> {
  const { tree, from, archive } = await load(source, signal);
  const identity = identify(tree, from);
  if ('repo' in source && identity.name !== source.name)
    throw refused(`${from} is the chart ${identity.name}, not ${source.name}`);
  const lockFile = join(into, LOCK_FILE);
  const lock = await readLock(lockFile);
  const digest = treeDigest(tree);
  const directory = join(into, identity.name);
  const there = await digestThere(directory, signal);
  if (there !== undefined && there !== digest && !force) return { name: identity.name, outcome: 'kept' };
  await mkdir(into, { recursive: true });
  if (there !== digest) await replaceTree(directory, tree, signal);
  const entry = { ...identity, source: from, ...(archive !== undefined && { archive }), tree: digest };
  await writeLock(lockFile, new Map([...lock, [identity.name, entry]]));
  return { ...entry, files: tree.size, outcome: there === digest ? 'unchanged' : 'written' };
}

/**
 * What differs between the lock and the charts that stand beside it, a line each. Without names, all charts; then one that the lock
 * does not know differs too.
 */
export async function checkCharts(
  into: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<{ same: string[]; differences: string[] }> {
  const lock = await readLock(join(into, LOCK_FILE));
  const there = await directories(into);
  const same: string[] = [];
  const differences: string[] = [];
  for (const name of names.length > 0 ? names : [...new Set([...lock.keys(), ...there])].sort()) {
    const entry = lock.get(name);
    if (!entry) differences.push(`${name} is not in ${LOCK_FILE}`);
    else if (!there.includes(name)) differences.push(`${name} ${entry.version} is not there`);
    else if (treeDigest(await readTree(join(into, name), signal)) !== entry.tree)
      differences.push(`${name} is not ${entry.version} as it was vendored from ${entry.source}`);
    else same.push(`${name} ${entry.version}`);
  }
  return { same, differences };
}

async function load(
  source: ChartSource,
  signal: AbortSignal,
): Promise<{ tree: ChartTree; from: string; archive?: string }> {
  if ('repo' in source) {
    const { url, archive } = await fetchChart(source, signal);
    return { tree: await unpackChart(archive, url), from: url, archive: `sha256:${sha256(archive)}` };
  }
  const found = await stat(source.path).catch((cause) => {
    throw refused(`${source.path} is neither a directory nor an archive; a name needs --repo URL`, cause);
  });
  if (found.isDirectory()) return { tree: await readTree(source.path, signal), from: source.path };
  if (found.size > CHART_LIMITS.archiveBytes)
    throw refused(`${source.path} is larger than ${CHART_LIMITS.archiveBytes >> 20} MB`);
  const bytes = await readFile(source.path, { signal });
  return {
    tree: await unpackChart(bytes, source.path),
    from: source.path,
    archive: `sha256:${sha256(bytes)}`,
  };
}

async function digestThere(directory: string, signal: AbortSignal): Promise<string | undefined> {
  if (!(await exists(directory))) return undefined;
  if (!(await stat(directory)).isDirectory()) throw refused(`${directory} is there, and is no directory`);
  return treeDigest(await readTree(directory, signal));
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function directories(path: string): Promise<string[]> {
  if (!(await exists(path))) return [];
  const entries = await readdir(path, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
