import type { GitObjects, TreeEntry } from '#git/objects.ts';
import { YamlFault } from '../yaml/read.ts';
import { type Kustomization, parseKustomization } from './kustomization.ts';
import type { DirectoryNode } from './node.ts';
import { type PluginConfig, parsePluginConfig } from './plugin-config.ts';
import { RecentlyUsed } from './recently-used.ts';

export type Directory = ReadonlyMap<string, TreeEntry>;
/** Content that was read once and what came of it; a fault is kept as well, since content never changes. */
type Parsed<Value> = { value: Value } | { fault: YamlFault };

/** How much a cache may hold: directories' nodes, entries of trees, and parsed files. */
export type NodeCacheLimits = { nodes: number; treeEntries: number; files: number };
const LIMITS: NodeCacheLimits = { nodes: 20_000, treeEntries: 1_000_000, files: 20_000 };

/**
 * What closures of one repository share, bounded: trees and parsed kustomizations by object id, which are true for every
 * revision, and nodes by root tree and path. One cache serves one repository's objects, for any number of overlays.
 */
export class NodeCache {
  readonly nodes: RecentlyUsed<DirectoryNode>;
  readonly #trees: RecentlyUsed<Directory>;
  readonly #reading = new Map<string, Promise<Directory>>();
  readonly #kustomizations: RecentlyUsed<Parsed<Kustomization>>;
  readonly #configs: RecentlyUsed<Parsed<PluginConfig>>;

  constructor(limits: Partial<NodeCacheLimits> = {}) {
    const { nodes, treeEntries, files } = { ...LIMITS, ...limits };
    this.nodes = new RecentlyUsed(nodes);
    this.#trees = new RecentlyUsed(treeEntries, (tree) => tree.size + 1);
    this.#kustomizations = new RecentlyUsed(files);
    this.#configs = new RecentlyUsed(files);
  }

  /** Reads started in one turn travel together in a store that fetches; a tree that many ask for at once is read once. */
  async tree(objects: GitObjects, oid: string, signal: AbortSignal): Promise<Directory> {
    const known = this.#trees.get(oid);
    if (known) return known;
    let reading = this.#reading.get(oid);
    if (!reading) {
      reading = this.#readTree(objects, oid, signal).finally(() => this.#reading.delete(oid));
      this.#reading.set(oid, reading);
    }
    return reading;
  }

  async #readTree(objects: GitObjects, oid: string, signal: AbortSignal): Promise<Directory> {
    const entries = await objects.readTree(oid, signal);
    const tree = new Map(entries.map((entry) => [entry.name, entry]));
    this.#trees.set(oid, tree);
    return tree;
  }

  async kustomization(objects: GitObjects, oid: string, signal: AbortSignal): Promise<Kustomization> {
    return parsed(this.#kustomizations, objects, oid, parseKustomization, signal);
  }

  async pluginConfig(objects: GitObjects, oid: string, signal: AbortSignal): Promise<PluginConfig> {
    return parsed(this.#configs, objects, oid, parsePluginConfig, signal);
  }
}

async function parsed<Value>(
  cache: RecentlyUsed<Parsed<Value>>,
  objects: GitObjects,
  oid: string,
  parse: (bytes: Uint8Array) => Value,
  signal: AbortSignal,
): Promise<Value> {
  let result = cache.get(oid);
  if (!result) {
    result = attempt(parse, await objects.readBlob(oid, signal));
    cache.set(oid, result);
  }
  if ('fault' in result) throw result.fault;
  return result.value;
}

function attempt<Value>(parse: (bytes: Uint8Array) => Value, bytes: Uint8Array): Parsed<Value> {
  try {
    return { value: parse(bytes) };
  } catch (fault) {
    if (fault instanceof YamlFault) return { fault };
    throw fault;
  }
}
