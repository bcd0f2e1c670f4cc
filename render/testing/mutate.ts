import { compareKeys } from '../yaml/key-order.ts';
import { type Json, readYaml, YamlFault } from '../yaml/read.ts';
import { writeYaml } from '../yaml/write.ts';

/** One change of one file, as four numbers that are taken modulo what there is to choose from. */
export type Mutation = { file: number; at: number; how: number; what: number };
export type Files = Readonly<Record<string, string | Uint8Array>>;

type Holder = Json[] | { [key: string]: Json };
type Spot = { holder: Holder; key: string | number };

/** The files with one place changed; the same files where the chosen one is no YAML. */
export function mutate(files: Files, { file, at, how, what }: Mutation): Files {
  const paths = Object.keys(files)
    .filter((path) => /\.ya?ml$|Kustomization$/.test(path))
    .sort();
  if (paths.length === 0) return files;
  const own = paths.filter((path) => /kustomization\.ya?ml$|Kustomization$/.test(path));
  const others = paths.filter((path) => !own.includes(path));
  // Most changes of kustomizations add a field: nearly all others are refused by everybody.
  const isOwn = others.length === 0 || (file % 3 === 0 && own.length > 0);
  const pool = isOwn ? own : others;
  const path = pool[Math.floor(file / 3) % pool.length]!;
  const documents = documentsOf(files[path]!);
  if (documents === undefined) return files;
  const spots = spotsOf(documents);
  if (spots.length === 0) return files;
  const change = isOwn && how % 4 !== 0 ? addField : CHANGES[how % CHANGES.length]!;
  change(spots[at % spots.length]!, what, spots);
  return { ...files, [path]: writeYaml(documents) };
}

function documentsOf(content: string | Uint8Array): Json[] | undefined {
  try {
    const text = typeof content === 'string' ? content : new TextDecoder().decode(content);
    return structuredClone(readYaml(text).map(({ value }) => value));
  } catch (fault) {
    if (fault instanceof YamlFault) return undefined;
    throw fault;
  }
}

function spotsOf(root: Holder): Spot[] {
  const spots: Spot[] = [];
  const walk = (holder: Holder) => {
    const keys = Array.isArray(holder) ? holder.keys() : Object.keys(holder).sort(compareKeys);
    for (const key of keys) {
      spots.push({ holder, key });
      const value = valueAt({ holder, key });
      if (typeof value === 'object' && value !== null) walk(value);
    }
  };
  walk(root);
  return spots;
}

const valueAt = ({ holder, key }: Spot): Json => (holder as { [key: string]: Json })[key]!;
const put = ({ holder, key }: Spot, value: Json) => {
  (holder as { [key: string]: Json })[key] = value;
};

function drop({ holder, key }: Spot): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}

const VALUES: readonly Json[] = [
  ...[
    null,
    '',
    'a',
    'b',
    'name',
    'ünïcode 日本 😀',
    'yes',
    '017',
    '1.10',
    'true',
    'a/b',
    '*',
    '.*',
    'x:y@z',
    'line\nline\n',
  ],
  ...[
    0,
    1,
    -1,
    80,
    1.5,
    true,
    false,
    9007199254740993n,
    [],
    {},
    ['a'],
    { a: 'b' },
    [{ name: 'a' }],
    { name: 'a', value: 1 },
  ],
];
const NAMES = [
  ...[
    'name',
    'namespace',
    'labels',
    'annotations',
    'kind',
    'apiVersion',
    'metadata',
    'spec',
    'data',
    'port',
    'protocol',
  ],
  ...[
    'containerPort',
    'mountPath',
    'value',
    '$patch',
    'path',
    'target',
    'x',
    'config.kubernetes.io/local-config',
  ],
];
/** Fields that kustomizations have, with values that mean something almost everywhere. */
const FIELDS: readonly (readonly [string, Json])[] = [
  ['namePrefix', 'pre-'],
  ['nameSuffix', '-suf'],
  ['namespace', 'other'],
  ['commonLabels', { app: 'mutant', 'team.io/n': 'x' }],
  ['commonAnnotations', { note: 'mutant' }],
  ['labels', [{ pairs: { l: 'v' }, includeSelectors: true }]],
  ['labels', [{ pairs: { l: 'v' }, includeTemplates: true }]],
  ['images', [{ name: 'nginx', newTag: 'v9' }]],
  ['configMapGenerator', [{ name: 'made', literals: ['a=b', 'c="d"'] }]],
  ['secretGenerator', [{ name: 'made', literals: ['a=b'], type: 'Opaque' }]],
  ['generatorOptions', { disableNameSuffixHash: true, labels: { g: 'o' } }],
  ['generatorOptions', { immutable: true }],
  ['buildMetadata', ['managedByLabel']],
  ['sortOptions', { order: 'legacy' }],
  ['replicas', [{ name: 'my-deployment', count: 3 }]],
  [
    'patches',
    [{ target: { kind: 'Deployment' }, patch: '[{"op": "add", "path": "/spec/replicas", "value": 7}]' }],
  ],
  [
    'patches',
    [
      {
        target: { kind: 'Service' },
        patch: '{metadata: {name: any, labels: {p: q}}, spec: {ports: [{port: 80, name: m}]}}',
      },
    ],
  ],
  [
    'patches',
    [
      {
        target: { name: '.*' },
        patch: '{apiVersion: v1, kind: X, metadata: {name: any, annotations: {p: q}}}',
      },
    ],
  ],
  [
    'replacements',
    [
      {
        source: { kind: 'Service', fieldPath: 'metadata.name' },
        targets: [
          {
            select: { kind: 'Deployment' },
            fieldPaths: ['metadata.annotations.from'],
            options: { create: true },
          },
        ],
      },
    ],
  ],
];

const CHANGES: readonly ((spot: Spot, what: number, spots: readonly Spot[]) => void)[] = [
  drop,
  (spot, what) => put(spot, VALUES[what % VALUES.length]!),
  (spot) => {
    const value = valueAt(spot);
    const retyped: Json =
      typeof value === 'string'
        ? Number(value) || true
        : typeof value === 'number' || typeof value === 'boolean'
          ? String(value)
          : Array.isArray(value)
            ? (value[0] ?? null)
            : [value];
    put(spot, retyped);
  },
  ({ holder, key }, what) => {
    if (Array.isArray(holder)) holder.push(structuredClone(holder[Number(key)]!));
    else {
      const value = holder[key]!;
      delete holder[key];
      holder[NAMES[what % NAMES.length]!] = value;
    }
  },
  ({ holder, key }, what) => {
    if (Array.isArray(holder)) holder.reverse();
    else holder[NAMES[what % NAMES.length]!] = structuredClone(holder[key]!);
  },
  (spot, what, spots) => {
    const value = valueAt(spots[what % spots.length]!);
    // A value inside of itself would have no end.
    if (typeof value !== 'object' || value === null) put(spot, value);
  },
  ({ holder }, what) => {
    if (Array.isArray(holder)) holder.push(structuredClone(VALUES[what % VALUES.length]!));
    else holder[NAMES[what % NAMES.length]!] = structuredClone(VALUES[(what >> 5) % VALUES.length]!);
  },
];

function addField(_: Spot, what: number, spots: readonly Spot[]): void {
  const [first] = spots;
  const root = first && valueAt(first);
  const [field, value] = FIELDS[what % FIELDS.length]!;
  if (typeof root === 'object' && root !== null && !Array.isArray(root)) root[field] = structuredClone(value);
}
