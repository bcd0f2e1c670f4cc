import { listFiles } from '#git/tree.ts';
import { FlotillaError } from '#proto/faults.ts';
import type { Position } from '../yaml/read.ts';
import { follow, type LoadContext, linkEntries, lookUp, type Part, refused, type Site } from './follow.ts';
import type { Chart } from './kustomization.ts';
import { type FileEntry, faultAt, type Item } from './node.ts';
import type { Reference } from './references.ts';
import { remoteTarget } from './remote.ts';
import { type Found, isWithin, joinPath } from './resolve.ts';

/** The whole tree in which the charts stand, which must hold the one that is named: none is ever pulled. */
export async function readChart(chart: Chart, site: Site, context: LoadContext): Promise<Part> {
  const { objects, limits, signal } = context;
  const reference: Reference = { field: 'helmCharts', names: 'resource', text: chart.home, at: chart.at };
  const missing = `chart ${chart.directory} is not vendored in ${chart.home}; no chart repository is ever contacted`;
  const path = remoteTarget(chart.home)
    ? undefined
    : joinPath(site.directory, `${chart.home}/${chart.directory}`);
  const there = path === undefined ? undefined : await lookUp(path, context);
  if (there?.what !== 'directory') throw refused(site, chart.at, missing);
  const home = await follow(chart.home, reference, site, context);
  if (home.what !== 'directory' || !isWithin(home.path, there.path)) throw refused(site, chart.at, missing);
  const files: FileEntry[] = linkEntries(home.links);
  for (const { path: at, mode, oid } of await withinLimits(
    site,
    chart.at,
    listFiles(objects, home.oid, home.path, signal, { maxEntries: 4 * limits.files }),
  )) {
    const strays = mode === 'symlink' && !staysWithin(home.path, await lookUp(at, context));
    if (mode === 'gitlink' || mode === 'tree' || strays)
      throw refused(site, chart.at, `${at} is a submodule or a symlink that leaves the charts`);
    files.push({ path: at, oid, mode });
  }
  const source = { file: site.file, ...chart.at };
  const item: Item = {
    field: 'helmCharts',
    source,
    links: home.links,
    files,
    reads: 'charts',
    oid: home.oid,
  };
  return { items: [item], watch: [home.path], usesDirectoryName: false };
}

/** Neither the target nor a symlink on the way to it stands elsewhere: all of them are in the tree that is hashed. */
function staysWithin(home: string, found: Found): boolean {
  if (found.what !== 'file' && found.what !== 'directory') return false;
  return [found, ...found.links].every(({ path }) => isWithin(home, path));
}

async function withinLimits<Value>(site: Site, at: Position, listing: Promise<Value>): Promise<Value> {
  try {
    return await listing;
  } catch (cause) {
    if (!(cause instanceof FlotillaError) || cause.code !== 'git-too-large') throw cause;
    throw faultAt('closure-too-large', site.file, at, `the charts have too many files`, cause);
  }
}
