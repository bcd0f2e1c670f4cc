import { hashOf } from '#proto/canonical.ts';
import { inOrder, settle, throwAll } from './faults.ts';
import type { LoadContext, Part } from './follow.ts';
import { loadDirectory, located, readPluginConfig } from './load.ts';
import { type DirectoryNode, type FileEntry, faultAt, type Item, type LoadedDirectory } from './node.ts';
import { isWithin, resolvePath } from './resolve.ts';

/**
 * Nodes of directories with a kustomization: everything below one is loaded level by level, each directory once and all
 * of a level together, and references that lead nowhere are told together; then, without any reading, cycles are refused and hashes composed from the leaves up.
 */
export async function buildNode(path: string, oid: string, context: LoadContext): Promise<DirectoryNode> {
  const known = context.cache.nodes.get(cacheKey(path, context));
  if (known) return known;
  const graph = new Graph(context);
  await graph.load(path, oid);
  await graph.readConfigDirectories();
  return graph.seal(path, []);
}

const cacheKey = (path: string, { rootTree }: LoadContext) => `${rootTree}\0${path}`;

class Graph {
  readonly #context: LoadContext;
  readonly #loaded = new Map<string, LoadedDirectory>();
  readonly #sealed = new Map<string, DirectoryNode>();

  constructor(context: LoadContext) {
    this.#context = context;
  }

  async load(path: string, oid: string): Promise<void> {
    const { limits } = this.#context;
    const top = await loadDirectory(path, oid, this.#context);
    this.#loaded.set(path, top);
    const wrong = [...top.faults];
    let level = [path];
    for (let depth = 1; level.length > 0; depth++) {
      const items = level.flatMap((at) => this.#loaded.get(at)!.items.filter(isKustomization));
      const next = [...new Map(items.map((item) => [item.path, item])).values()].filter(
        (item) => !this.#loaded.has(item.path) && !this.#takeKnown(item.path),
      );
      const [first] = next;
      if (first && depth > limits.depth)
        throw faultOf(first, 'closure-too-large', `kustomizations are nested deeper than ${limits.depth}`);
      if (first && this.#loaded.size + next.length > limits.files)
        throw faultOf(first, 'closure-too-large', `there are more than ${limits.files} kustomizations`);
      const { values: loaded, faults } = await settle(next.map((item) => this.#loadItem(item)));
      for (const directory of loaded) this.#loaded.set(directory.path, directory);
      wrong.push(...loaded.flatMap((directory) => directory.faults), ...faults);
      level = loaded.map((directory) => directory.path);
    }
    throwAll(wrong);
  }

  /** Configuration that a directory renders is looked up against the kustomization that lists the directory. */
  async readConfigDirectories(): Promise<void> {
    for (const directory of [...this.#loaded.values()]) {
      const parts = await inOrder(
        directory.items
          .filter((item) => isKustomization(item) && item.isConfig)
          .map((item) => this.#configOf(item as KustomizationItem, directory)),
      );
      if (parts.length > 0) this.#loaded.set(directory.path, withParts(directory, parts));
    }
  }

  /** The node of a loaded directory; `chain` holds the directories that led here. */
  seal(path: string, chain: readonly string[]): DirectoryNode {
    const sealed = this.#sealed.get(path);
    if (sealed) return sealed;
    const directory = this.#loaded.get(path)!;
    const here = [...chain, path];
    const children = new Map<Item, DirectoryNode>();
    for (const item of directory.items.filter(isKustomization)) {
      if (here.some((one) => isWithin(item.path, one))) throw cycle(item, here, item.path);
      const child = this.seal(item.path, here);
      const reaches = reachesAround(child, path);
      if (reaches !== undefined) throw cycle(item, [path], reaches);
      if (child.kustomization.kind !== item.expects) throw faultOf(item, 'closure-invalid', wrongKind(item));
      children.set(item, child);
    }
    const node: DirectoryNode = {
      ...directory,
      hash: hashNode(directory, children),
      children: [...new Set(children.values())],
    };
    this.#sealed.set(path, node);
    this.#context.cache.nodes.set(cacheKey(path, this.#context), node);
    return node;
  }

  async #loadItem(item: KustomizationItem): Promise<LoadedDirectory> {
    const { objects, rootTree, cache, signal } = this.#context;
    const found = await resolvePath(objects, rootTree, item.path, cache, signal);
    if (found.what !== 'directory') throw new Error(`${item.path} was a directory a moment ago`);
    return loadDirectory(item.path, found.oid, this.#context);
  }

  /** A node that an earlier closure of the same tree left, with everything below it. */
  #takeKnown(path: string): boolean {
    if (this.#sealed.has(path)) return true;
    const node = this.#context.cache.nodes.get(cacheKey(path, this.#context));
    if (node) for (const one of reachable(node)) this.#sealed.set(one.path, one);
    return node !== undefined;
  }

  async #configOf(item: KustomizationItem, directory: LoadedDirectory): Promise<Part> {
    const { objects, cache, signal } = this.#context;
    const files = this.#resourcesBelow(item.path);
    const parts = await inOrder(
      files.map(async ({ path, oid }) => {
        const config = await located(path, cache.pluginConfig(objects, oid, signal));
        return readPluginConfig(config, item.field, { directory: directory.path, file: path }, this.#context);
      }),
    );
    return {
      items: parts.flatMap((part) => part.items),
      watch: parts.flatMap((part) => part.watch),
      usesDirectoryName: parts.some((part) => part.usesDirectoryName),
    };
  }

  #resourcesBelow(path: string): FileEntry[] {
    const files: FileEntry[] = [];
    const seen = new Set<string>();
    const visit = (at: string) => {
      if (seen.has(at)) return;
      seen.add(at);
      for (const item of (this.#loaded.get(at) ?? this.#sealed.get(at)!).items) {
        if (isKustomization(item)) visit(item.path);
        else if (/^(resources|bases)\[/.test(item.field)) files.push(item.files.at(-1)!);
      }
    };
    visit(path);
    return files;
  }
}

type KustomizationItem = Item & { reads: 'kustomization' };

function isKustomization(item: Item): item is KustomizationItem {
  return item.reads === 'kustomization';
}

/** A node and every node below it, each once. */
export function reachable(node: DirectoryNode): Set<DirectoryNode> {
  const seen = new Set<DirectoryNode>([node]);
  for (const one of seen) for (const child of one.children) seen.add(child);
  return seen;
}

/** A directory reachable from a node that is or contains `path`; kustomize calls that a cycle. */
function reachesAround(node: DirectoryNode, path: string): string | undefined {
  for (const one of reachable(node)) if (isWithin(one.path, path)) return one.path;
  return undefined;
}

/**
 * H(kustomization, and for each item in order: field, symlinks passed, and the blob, tree or node it leads to). No path
 * enters, so that the same content in another place has the same node; a kustomization's own text holds its relative ones.
 */
function hashNode(directory: LoadedDirectory, children: ReadonlyMap<Item, DirectoryNode>): string {
  const { path, file, items, files, usesDirectoryName } = directory;
  const leading = files.slice(0, files.indexOf(file)).map(({ oid }) => oid);
  return hashOf('flotilla-closure-v1', {
    kustomization: [...leading, file.oid],
    items: items.map((item) => [
      item.field,
      ...item.links.map(({ oid }) => oid),
      item.reads === 'kustomization' ? children.get(item)!.hash : item.oid,
    ]),
    ...(usesDirectoryName && { name: path.slice(path.lastIndexOf('/') + 1) }),
  });
}

function withParts(directory: LoadedDirectory, parts: readonly Part[]): LoadedDirectory {
  const items = parts.flatMap((part) => part.items);
  return {
    ...directory,
    items: [...directory.items, ...items],
    files: [...directory.files, ...items.flatMap((item) => item.files)],
    watch: [...directory.watch, ...parts.flatMap((part) => part.watch)],
    usesCharts: directory.usesCharts || items.some((item) => item.reads === 'charts'),
    usesDirectoryName: directory.usesDirectoryName || parts.some((part) => part.usesDirectoryName),
  };
}

function wrongKind({ field, path, expects }: KustomizationItem): string {
  return expects === 'Component'
    ? `${path} is no component: its kustomization must be of kind Component`
    : `${path} is a component; it belongs under components, not under ${field.replace(/\[.*/, '')}`;
}

function cycle(item: KustomizationItem, chain: readonly string[], reached: string) {
  const name = (path: string) => (path === '' ? 'the root of the repository' : path);
  const around = chain.find((one) => isWithin(reached, one))!;
  const how =
    reached === around
      ? `which leads back to ${name(reached)}`
      : `and so ${name(reached)}, which contains ${name(around)}`;
  return faultOf(item, 'closure-cycle', `reads ${name(item.path)}, ${how}`);
}

function faultOf(
  { source }: Item,
  code: 'closure-cycle' | 'closure-invalid' | 'closure-too-large',
  message: string,
) {
  const { file, line = 1, column = 1 } = source;
  return faultAt(code, file, { line, column }, message);
}
