import { createHash } from 'node:crypto';
import { FlotillaError } from '#proto/faults.ts';
import { get, isMap } from '#render/engine/json.ts';
import { readYaml, YamlFault } from '#render/yaml/read.ts';

/** The files of a chart by their paths in it, which are relative and have `/` between their parts. */
export type ChartTree = ReadonlyMap<string, Uint8Array>;
export type Identity = { readonly name: string; readonly version: string };

/** What a vendored chart may be at most; an overlay that uses it may not read more either. */
export const CHART_LIMITS = { files: 5_000, bytes: 64 << 20, archiveBytes: 32 << 20 } as const;

export const refused = (message: string, cause?: unknown): FlotillaError =>
  new FlotillaError('chart-refused', message, { cause });

/**
 * Takes files in, and none that would be written elsewhere than below the chart, or where Git would act upon it.
 *
 * @throws FlotillaError chart-refused
 */
export class TreeBuilder {
  readonly #files = new Map<string, Uint8Array>();
  readonly #what: string;
  #bytes = 0;

  constructor(what: string) {
    this.#what = what;
  }

  add(path: string, content: Uint8Array): void {
    const parts = path.split('/');
    if (parts.some((part) => part === '' || part === '.' || part === '..' || /[\\:\p{Cc}]/u.test(part)))
      throw refused(`${this.#what}: ${JSON.stringify(path)} is no path below the chart`);
    if (parts.some((part) => part.toLowerCase() === '.git'))
      throw refused(`${this.#what}: ${path} would be read by Git`);
    if (this.#files.has(path)) throw refused(`${this.#what}: ${path} is there twice`);
    this.#bytes += content.length;
    if (this.#files.size >= CHART_LIMITS.files || this.#bytes > CHART_LIMITS.bytes)
      throw refused(
        `${this.#what} has more than ${CHART_LIMITS.files} files or ${CHART_LIMITS.bytes >> 20} MB`,
      );
    this.#files.set(path, content);
  }

  /** The files, in the order of their paths. */
  build(): ChartTree {
    const paths = [...this.#files.keys()].sort();
    for (const path of paths)
      for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
        if (this.#files.has(path.slice(0, at)))
          throw refused(`${this.#what}: ${path.slice(0, at)} is a file and a directory`);
    return new Map(paths.map((path) => [path, this.#files.get(path)!]));
  }
}

/** `sha256:…` over paths and contents; equal for equal trees, wherever they come from. */
export function treeDigest(tree: ChartTree): string {
  const hash = createHash('sha256');
  for (const [path, content] of tree) hash.update(`${path}\0${content.length}\0`).update(content);
  return `sha256:${hash.digest('hex')}`;
}

/**
 * Name and version of a chart that can be templated as it stands: its subcharts are in it.
 *
 * @throws FlotillaError chart-refused
 */
export function identify(tree: ChartTree, what: string): Identity {
  const content = tree.get('Chart.yaml');
  if (!content) throw refused(`${what} is no chart: it has no Chart.yaml`);
  const chart = parse(content, `${what}: Chart.yaml`);
  const [name, version] = [get(chart, 'name'), get(chart, 'version')];
  if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw refused(`${what}: Chart.yaml: name is missing or is none that a directory could have`);
  if (typeof version !== 'string' || version === '') throw refused(`${what}: Chart.yaml: version is missing`);
  const dependencies = get(chart, 'dependencies');
  for (const dependency of Array.isArray(dependencies) ? dependencies : []) {
    const needed = isMap(dependency) ? dependency.name : undefined;
    if (typeof needed === 'string' && !hasSubchart(tree, needed))
      throw refused(
        `${what} needs the chart ${needed}, which is not below its charts/: helm dependency build`,
      );
  }
  return { name, version };
}

function hasSubchart(tree: ChartTree, name: string): boolean {
  const archive = (path: string) =>
    path.startsWith(`charts/${name}-`) && path.endsWith('.tgz') && path.split('/').length === 2;
  if (tree.has(`charts/${name}/Chart.yaml`)) return true;
  return [...tree.keys()].some(
    (path) =>
      archive(path) ||
      (/^charts\/[^/]+\/Chart\.yaml$/.test(path) && get(parse(tree.get(path)!, path), 'name') === name),
  );
}

function parse(content: Uint8Array, what: string) {
  try {
    return readYaml(Buffer.from(content).toString('utf8'))[0]?.value ?? null;
  } catch (error) {
    if (error instanceof YamlFault) throw refused(`${what}:${error.at.line}: ${error.message}`, error);
    throw error;
  }
}
