import { type Position, YamlFault } from '../yaml/read.ts';
import { readChart } from './charts.ts';
import { inOrder, settle } from './faults.ts';
import {
  fileEntry,
  follow,
  invalid,
  type LoadContext,
  linkEntries,
  lookUp,
  nothing,
  type Part,
  refused,
  type Site,
} from './follow.ts';
import { KUSTOMIZATION_NAMES } from './kustomization.ts';
import { faultAt, type Item, type LoadedDirectory } from './node.ts';
import { inlineConfig, isInline, type PluginConfig } from './plugin-config.ts';
import type { Reference } from './references.ts';
import { type Found, isWithin } from './resolve.ts';

/** Reads the kustomization of a directory and looks up everything that it names, without going further. */
export async function loadDirectory(
  path: string,
  oid: string,
  context: LoadContext,
): Promise<LoadedDirectory> {
  const { objects, cache, signal } = context;
  const { found, absent } = await findKustomization(path, oid, context);
  const file = fileEntry(found);
  const kustomization = await located(file.path, cache.kustomization(objects, file.oid, signal));
  if (kustomization.references.length > context.limits.files)
    throw faultAt('closure-too-large', file.path, undefined, `names more than ${context.limits.files} files`);
  const site = { directory: path, file: file.path };
  const { values: parts, faults } = await settle([
    ...kustomization.references.map((reference) => readReference(reference, site, context)),
    ...kustomization.charts.map((chart) => readChart(chart, site, context)),
  ]);
  const items = parts.flatMap((part) => part.items);
  return {
    path,
    file,
    kustomization,
    items,
    files: [...linkEntries(found.links), file, ...items.flatMap((item) => item.files)],
    watch: [...absent, ...parts.flatMap((part) => part.watch)],
    usesCharts: items.some((item) => item.reads === 'charts'),
    usesDirectoryName: parts.some((part) => part.usesDirectoryName),
    faults,
  };
}

/** What configuration reads, relative to the kustomization that lists it. */
export async function readPluginConfig(
  config: PluginConfig,
  field: string,
  site: Site,
  context: LoadContext,
): Promise<Part> {
  for (const { name, at } of config.foreign)
    throw refused(site, at, `${name} is a plugin; only built-in ones (apiVersion: builtin) are run`);
  const named = (reference: Reference) => ({ ...reference, field: `${field}:${reference.field}` });
  const parts = await inOrder([
    ...config.references.map((reference) => readReference(named(reference), site, context)),
    ...config.charts.map((chart) => readChart(chart, site, context)),
  ]);
  return {
    items: parts.flatMap((part) => part.items),
    watch: parts.flatMap((part) => part.watch),
    usesDirectoryName: config.usesDirectoryName || parts.some((part) => part.usesDirectoryName),
  };
}

/** Adds the path to what is wrong with a file's content. */
export async function located<Value>(file: string, reading: Promise<Value>): Promise<Value> {
  try {
    return await reading;
  } catch (fault) {
    if (fault instanceof YamlFault) throw faultAt('closure-invalid', file, fault.at, fault.message, fault);
    throw fault;
  }
}

async function findKustomization(path: string, oid: string, context: LoadContext) {
  const tree = await context.cache.tree(context.objects, oid, context.signal);
  const present: (Found & { what: 'file' })[] = [];
  const absent: string[] = [];
  for (const name of KUSTOMIZATION_NAMES) {
    const at = path === '' ? name : `${path}/${name}`;
    const found = tree.has(name) ? await lookUp(at, context) : undefined;
    if (found && found.what !== 'file' && found.what !== 'directory' && found.what !== 'nothing')
      throw faultAt('closure-refused', at, undefined, `is a symlink or submodule that is not followed`);
    if (found?.what === 'file' && !isWithin(path, found.path))
      throw faultAt('closure-refused', at, undefined, `is a symlink out of its directory, to ${found.path}`);
    if (found?.what === 'file') present.push(found);
    else absent.push(at);
  }
  const [found, second] = present;
  const place = path === '' ? 'the root of the repository' : path;
  if (!found)
    throw faultAt('closure-missing-file', place, undefined, `has no ${KUSTOMIZATION_NAMES.join(', ')}`);
  if (second)
    throw faultAt(
      'closure-invalid',
      place,
      undefined,
      `has several kustomizations: ${present.map((one) => one.path).join(', ')}`,
    );
  return { found, absent };
}

async function readReference(reference: Reference, site: Site, context: LoadContext): Promise<Part> {
  const { names, at, field } = reference;
  if (names === 'patch' && isInline(reference.text)) return nothing();
  const inline = names === 'config' ? await located(site.file, inlineOf(reference)) : undefined;
  if (inline) {
    // Positions inside the text are those of another document: the entry stands for all of them.
    return readPluginConfig(moved(inline, at), field, site, context);
  }
  const text = names === 'keyed file' ? pathOfKeyed(reference, site) : reference.text;
  const found = await follow(text, reference, site, context);
  const common = { field, source: { file: site.file, ...at }, links: found.links };
  if (found.what === 'directory') {
    if (names === 'file' || names === 'keyed file' || names === 'patch')
      throw invalid(site, at, `${text} is a directory, but ${field} names a file`);
    const expects = names === 'component' ? 'Component' : 'Kustomization';
    const item: Item = {
      ...common,
      files: linkEntries(found.links),
      reads: 'kustomization',
      path: found.path,
      expects,
      isConfig: names === 'config',
    };
    return { ...nothing(), items: [item] };
  }
  if (names === 'component') throw invalid(site, at, `${text} is a file, but a component is a directory`);
  if (!isWithin(site.directory, found.path))
    throw refused(
      site,
      at,
      `${text} lies outside of ${site.directory}; a kustomization reads files at or below itself`,
    );
  const files = [...linkEntries(found.links), fileEntry(found)];
  const item: Item = { ...common, files, reads: 'file', oid: found.oid };
  if (names !== 'config') return { ...nothing(), items: [item] };
  const { objects, cache, signal } = context;
  const config = await located(found.path, cache.pluginConfig(objects, found.oid, signal));
  const part = await readPluginConfig(config, field, { ...site, file: found.path }, context);
  return { ...part, items: [item, ...part.items] };
}

/** `path` or `key=path`, as kustomize splits it. */
function pathOfKeyed({ text, at }: Reference, site: Site): string {
  const parts = text.split('=');
  if (parts.length === 1) return text;
  const [key, path] = parts;
  if (parts.length > 2 || !key || !path) throw invalid(site, at, `${text} is neither a path nor key=path`);
  return path;
}

async function inlineOf({ text, at }: Reference): Promise<PluginConfig | undefined> {
  try {
    return inlineConfig(text);
  } catch (fault) {
    if (fault instanceof YamlFault) throw new YamlFault(fault.message, at);
    throw fault;
  }
}

function moved(config: PluginConfig, at: Position): PluginConfig {
  const here = <Value extends { at: Position }>(one: Value) => ({ ...one, at });
  return {
    ...config,
    references: config.references.map(here),
    charts: config.charts.map(here),
    foreign: config.foreign.map(here),
  };
}
