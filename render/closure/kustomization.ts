import { didYouMean } from '#proto/problems.ts';
import { type Json, type Position, type ReadDocument, readYaml, YamlFault } from '../yaml/read.ts';
import { collectReferences, KUSTOMIZATION_REFERENCES, member, type Reference } from './references.ts';

/** The names that kustomize looks for, exactly one of which a directory must have. */
export const KUSTOMIZATION_NAMES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'] as const;

/** What the closure needs to know of one kustomization; it depends on its content alone and on no path. */
export type Kustomization = {
  readonly kind: 'Kustomization' | 'Component';
  readonly references: readonly Reference[];
  readonly charts: readonly Chart[];
  /** Only the top-level kustomization's options take effect. */
  readonly sortOptions?: Json;
  readonly buildMetadata?: Json;
};

/** A Helm chart that must stand in the repository below `home`. */
export type Chart = { readonly home: string; readonly directory: string; readonly at: Position };

/** Every field of kustomize 5.5; any other is an error there, and here already. */
const FIELDS = [
  ...['apiVersion', 'kind', 'metadata', 'openapi', 'namePrefix', 'nameSuffix', 'namespace', 'commonLabels'],
  ...['labels', 'commonAnnotations', 'patchesStrategicMerge', 'patchesJson6902', 'patches', 'images'],
  ...['imageTags', 'replacements', 'replicas', 'vars', 'sortOptions', 'resources', 'components', 'crds'],
  ...['bases', 'configMapGenerator', 'secretGenerator', 'helmGlobals', 'helmCharts'],
  ...['helmChartInflationGenerator', 'generatorOptions', 'configurations', 'generators', 'transformers'],
  ...['validators', 'buildMetadata'],
];
const OPTIONS = { bytes: 1 << 20, nodes: 100_000, depth: 100, lastKeyWins: true, old: true };

/** Reads a kustomization; the first document counts, as in kustomize. What is wrong with it is a YamlFault. */
export function parseKustomization(bytes: Uint8Array): Kustomization {
  const [document] = readYaml(decodeText(bytes), OPTIONS);
  const value = document?.value ?? null;
  if (!document || value === null) throw new YamlFault('the kustomization is empty', { line: 1, column: 1 });
  if (typeof value !== 'object' || Array.isArray(value))
    throw new YamlFault('a kustomization must be a map', document.locate([]));
  const known = new Set(FIELDS.map((field) => field.toLowerCase()));
  for (const key of Object.keys(value)) {
    if (known.has(key.toLowerCase())) continue;
    const near = didYouMean(key, FIELDS);
    throw new YamlFault(
      `unknown field ${key}${near ? `; did you mean ${near}?` : ''}`,
      document.locate([key]),
    );
  }
  const field = (name: string) => member(value, name, [], document)?.value ?? undefined;
  const written = field('kind') ?? '';
  const kind = written === '' ? 'Kustomization' : written;
  if (kind !== 'Kustomization' && kind !== 'Component')
    throw new YamlFault('kind must be Kustomization or Component', document.locate(['kind']));
  const [sortOptions, buildMetadata] = [field('sortOptions'), field('buildMetadata')];
  return {
    kind,
    references: collectReferences(document, KUSTOMIZATION_REFERENCES).filter(({ text }) => text !== ''),
    charts: chartsOf(document),
    ...(sortOptions !== undefined && { sortOptions }),
    ...(buildMetadata !== undefined && { buildMetadata }),
  };
}

/** The charts of `helmCharts`, and of the field it replaced. */
function chartsOf(document: ReadDocument): Chart[] {
  const text = (value: Json, name: string, path: (string | number)[]) => {
    const found = member(value, name, path, document)?.value;
    return typeof found === 'string' ? found : '';
  };
  const entries = (name: string) => {
    const list = member(document.value, name, [], document);
    return Array.isArray(list?.value)
      ? list.value.map((value, index) => ({ value, path: [list.key, index] }))
      : [];
  };
  const old = entries('helmChartInflationGenerator');
  const globals = member(document.value, 'helmGlobals', [], document);
  const home = globals
    ? text(globals.value, 'chartHome', [globals.key])
    : (old.map(({ value, path }) => text(value, 'chartHome', path)).findLast(Boolean) ?? '');
  const chart = (name: string, version: string, repo: string, path: (string | number)[]): Chart =>
    chartAt(home, name, version, repo, document.locate(path));
  return [
    ...entries('helmCharts').map(({ value, path }) =>
      chart(text(value, 'name', path), text(value, 'version', path), text(value, 'repo', path), path),
    ),
    ...old.map(({ value, path }) =>
      chart(
        text(value, 'chartName', path),
        text(value, 'chartVersion', path),
        text(value, 'chartRepoUrl', path),
        path,
      ),
    ),
  ];
}

/** Where kustomize looks for a chart before it would pull it: one that names its repository has a directory of its own. */
export function chartAt(home: string, name: string, version: string, repo: string, at: Position): Chart {
  const parts = [...(version !== '' && repo !== '' ? [`${name}-${version}`] : []), name];
  return { home: home === '' ? 'charts' : home, directory: parts.join('/'), at };
}

/** UTF-8 text of a file; anything else is a YamlFault, because no YAML reader takes it. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new YamlFault('not UTF-8 text', { line: 1, column: 1 }, { cause });
  }
}
