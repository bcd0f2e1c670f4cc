import { type Json, type Position, type ReadDocument, YamlFault } from '../yaml/read.ts';

/**
 * The table of every field through which a kustomization reads something besides itself (kustomize 5.5).
 * `[]` stands for each entry of a list. A field that is not here names nothing: kustomize knows no globs.
 */
export const KUSTOMIZATION_REFERENCES: readonly ReferenceField[] = [
  { field: 'resources[]', names: 'resource' },
  { field: 'bases[]', names: 'resource' },
  { field: 'components[]', names: 'component' },
  { field: 'configurations[]', names: 'file' },
  { field: 'crds[]', names: 'file' },
  { field: 'openapi.path', names: 'file' },
  { field: 'configMapGenerator[].files[]', names: 'keyed file' },
  { field: 'configMapGenerator[].envs[]', names: 'file' },
  { field: 'configMapGenerator[].env', names: 'file' },
  { field: 'secretGenerator[].files[]', names: 'keyed file' },
  { field: 'secretGenerator[].envs[]', names: 'file' },
  { field: 'secretGenerator[].env', names: 'file' },
  { field: 'generators[]', names: 'config' },
  { field: 'helmCharts[].valuesFile', names: 'file' },
  { field: 'helmCharts[].additionalValuesFiles[]', names: 'file' },
  { field: 'helmChartInflationGenerator[].values', names: 'file' },
  { field: 'patchesStrategicMerge[]', names: 'patch' },
  { field: 'patches[].path', names: 'file' },
  { field: 'patchesJson6902[].path', names: 'file' },
  { field: 'replacements[].path', names: 'file' },
  { field: 'transformers[]', names: 'config' },
  { field: 'validators[]', names: 'config' },
];

/** The same for the configuration of built-in plugins (`apiVersion: builtin`), by kind. */
export const PLUGIN_REFERENCES: Readonly<Record<string, readonly ReferenceField[]>> = {
  ConfigMapGenerator: [
    { field: 'files[]', names: 'keyed file' },
    { field: 'envs[]', names: 'file' },
  ],
  SecretGenerator: [
    { field: 'files[]', names: 'keyed file' },
    { field: 'envs[]', names: 'file' },
  ],
  HelmChartInflationGenerator: [
    { field: 'valuesFile', names: 'file' },
    { field: 'additionalValuesFiles[]', names: 'file' },
  ],
  PatchTransformer: [{ field: 'path', names: 'file' }],
  PatchJson6902Transformer: [{ field: 'path', names: 'file' }],
  PatchStrategicMergeTransformer: [{ field: 'paths[]', names: 'patch' }],
  ReplacementTransformer: [{ field: 'replacements[].path', names: 'file' }],
  ValueAddTransformer: [{ field: 'targetFilePath', names: 'file' }],
};

/**
 * - `resource`: a file, or else a directory with a kustomization
 * - `component`: a directory whose kustomization is of kind Component
 * - `keyed file`: `path` or `key=path`
 * - `patch`: a file or the patch itself
 * - `config`: a file, a directory whose kustomization renders to configuration, or the configuration itself
 */
export type Names = 'resource' | 'component' | 'file' | 'keyed file' | 'patch' | 'config';
export type ReferenceField = { readonly field: string; readonly names: Names };

/** One entry that names something: the text as written and where it stands. */
export type Reference = {
  /** With indices: `configMapGenerator[0].files[2]`. */
  readonly field: string;
  readonly names: Names;
  readonly text: string;
  readonly at: Position;
};

/**
 * Every reference in a document, in the order of the table and then of the document. Empty text names nothing.
 * A value of the wrong shape is a YamlFault.
 */
export function collectReferences(
  document: ReadDocument,
  table: readonly ReferenceField[],
  under: readonly (string | number)[] = [],
): Reference[] {
  const root = valueAt(document.value, under);
  return table.flatMap(({ field, names }) =>
    leaves(root, field.split('.'), [...under], document).map(({ value, path }) => {
      const at = document.locate(path);
      const name = formatPath(path.slice(under.length));
      if (typeof value !== 'string') throw new YamlFault(`${name} must be text`, at);
      return { field: name, names, text: value, at };
    }),
  );
}

type Leaf = { value: Json; path: (string | number)[] };

function leaves(
  value: Json,
  parts: readonly string[],
  path: (string | number)[],
  from: ReadDocument,
): Leaf[] {
  const [part, ...rest] = parts;
  if (part === undefined) return value === null ? [] : [{ value, path }];
  if (value === null) return [];
  const list = part.endsWith('[]');
  const found = member(value, list ? part.slice(0, -2) : part, path, from);
  if (!found) return [];
  const here = [...path, found.key];
  if (!list) return leaves(found.value, rest, here, from);
  if (found.value === null) return [];
  if (!Array.isArray(found.value))
    throw new YamlFault(`${formatPath(here)} must be a list`, from.locate(here));
  return found.value.flatMap((item, index) => leaves(item, rest, [...here, index], from));
}

/**
 * A member of a map by its name in any case, as Go's JSON decoder finds it: `Resources` is read like `resources`.
 * The same name in two cases is a YamlFault, because which one counts would be chance.
 */
export function member(
  value: Json,
  name: string,
  path: readonly (string | number)[],
  from: ReadDocument,
): { key: string; value: Json } | undefined {
  if (value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value))
    throw new YamlFault(`${formatPath(path) || 'the document'} must be a map`, from.locate(path));
  const [key, twice] = Object.keys(value).filter((one) => one.toLowerCase() === name.toLowerCase());
  if (twice !== undefined)
    throw new YamlFault(`${key} and ${twice} are the same field`, from.locate([...path, twice]));
  return key === undefined ? undefined : { key, value: value[key]! };
}

function valueAt(value: Json, path: readonly (string | number)[]): Json {
  let found: Json | undefined = value;
  for (const part of path) found = (found as Record<string | number, Json> | null)?.[part];
  return found ?? null;
}

function formatPath(path: readonly (string | number)[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}
