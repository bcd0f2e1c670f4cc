import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MemoryFile, MemoryObjects } from '#git/testing/memory-objects.ts';
import { type ClosureLimits, closureNode, NodeCache, readClosure } from './closure.ts';

type Files = Record<string, MemoryFile>;
const { signal } = new AbortController();

async function closureOf(files: Files, path: string, limits: Partial<ClosureLimits> = {}) {
  const store = new MemoryObjects();
  return closureNode(store, store.snapshot(files), path, new NodeCache(), signal, limits);
}

const CM = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n';
const lines = (...all: string[]) => `${all.join('\n')}\n`;

/** Files beside `outside.txt`, which no closure holds. */
const READS: readonly [what: string, files: Files, path: string][] = [
  [
    'resources as files and directories',
    {
      'o/kustomization.yaml': lines('resources:', '- a.yaml', '- sub/b.yaml', '- ../base', '- ./sub/dir/'),
      'o/a.yaml': CM,
      'o/sub/b.yaml': CM,
      'o/sub/dir/Kustomization': 'resources: [c.yaml]\n',
      'o/sub/dir/c.yaml': CM,
      'base/kustomization.yml': 'resources: [d.yaml]\n',
      'base/d.yaml': CM,
    },
    'o',
  ],
  [
    'bases, components, configurations, crds and an OpenAPI schema',
    {
      'o/kustomization.yaml': lines(
        'bases: [../b]',
        'components: [../c]',
        'configurations: [conf.yaml]',
        'crds: [crd.yaml]',
        'openapi: {path: schema.json}',
      ),
      'o/conf.yaml': 'namePrefix: []\n',
      'o/crd.yaml': '{}',
      'o/schema.json': '{}',
      'b/kustomization.yaml': 'namePrefix: x-\n',
      'c/kustomization.yaml': lines(
        'apiVersion: kustomize.config.k8s.io/v1alpha1',
        'kind: Component',
        'patches: [{path: p.yaml}]',
      ),
      'c/p.yaml': CM,
    },
    'o',
  ],
  [
    'files, keyed files and env files of generators',
    {
      'o/kustomization.yaml': lines(
        'configMapGenerator:',
        '- name: a',
        '  files: [one.txt, key=two.txt]',
        '  envs: [three.env]',
        '- name: b',
        '  env: four.env',
        'secretGenerator:',
        '- {name: s, files: [five.key], envs: [six.env], literals: [a=b]}',
      ),
      'o/one.txt': '1',
      'o/two.txt': '2',
      'o/three.env': 'A=1',
      'o/four.env': 'A=1',
      'o/five.key': '5',
      'o/six.env': 'A=1',
    },
    'o',
  ],
  [
    'patches of every kind and replacements',
    {
      'o/kustomization.yaml': lines(
        'patches: [{path: a.yaml}, {patch: "[]", target: {kind: X}}]',
        'patchesJson6902: [{path: b.yaml, target: {kind: X, name: y}}]',
        'patchesStrategicMerge:',
        '- c.yaml',
        '- |-',
        '  apiVersion: v1',
        '  kind: ConfigMap',
        '  metadata: {name: inline}',
        '- {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}'.replace(/- (.*)/, "- '$1'"),
        'replacements: [{path: d.yaml}, {source: {kind: X}, targets: []}]',
      ),
      'o/a.yaml': CM,
      'o/b.yaml': '[]',
      'o/c.yaml': CM,
      'o/d.yaml': '[]',
    },
    'o',
  ],
  [
    'configuration of built-in plugins in files, lists, directories and inline',
    {
      'o/kustomization.yaml': lines(
        'generators: [gen.yaml, ../gens]',
        'transformers:',
        '- t.yaml',
        '- |-',
        '  apiVersion: builtin',
        '  kind: PatchTransformer',
        '  metadata: {name: t}',
        '  path: inline-patch.yaml',
        'validators: [v.yaml]',
      ),
      'o/gen.yaml': lines(
        'apiVersion: builtin',
        'kind: ConfigMapGenerator',
        'metadata: {name: g}',
        'files: [k=data.txt]',
        'envs: [data.env]',
      ),
      'o/data.txt': '1',
      'o/data.env': 'A=1',
      'o/from-gens.yaml': '[]',
      'o/inline-patch.yaml': CM,
      'o/t.yaml': lines(
        'apiVersion: builtin',
        'kind: TransformerList',
        'items:',
        '- {apiVersion: builtin, kind: ReplacementTransformer, metadata: {name: r}, replacements: [{path: r.yaml}]}',
        '- {apiVersion: builtin, kind: PatchStrategicMergeTransformer, metadata: {name: p}, paths: [sm.yaml]}',
      ),
      'o/r.yaml': '[]',
      'o/sm.yaml': CM,
      'o/v.yaml': lines(
        'apiVersion: builtin',
        'kind: ValueAddTransformer',
        'metadata: {name: v}',
        'targetFilePath: targets.yaml',
      ),
      'o/targets.yaml': '{}',
      'gens/kustomization.yaml': 'resources: [deep]\n',
      'gens/deep/kustomization.yaml': 'resources: [json.yaml]\n',
      'gens/deep/json.yaml': lines(
        'apiVersion: builtin',
        'kind: PatchJson6902Transformer',
        'metadata: {name: j}',
        'path: from-gens.yaml',
      ),
    },
    'o',
  ],
  [
    'the whole tree of vendored charts, with values files',
    {
      'o/kustomization.yaml': lines(
        'helmGlobals: {chartHome: ../charts}',
        'helmCharts:',
        '- {name: web, version: 1.0.0, repo: "https://charts.example", valuesFile: v.yaml, additionalValuesFiles: [w.yaml]}',
      ),
      'o/v.yaml': '{}',
      'o/w.yaml': '{}',
      'charts/web-1.0.0/web/Chart.yaml': 'name: web\n',
      'charts/web-1.0.0/web/templates/a.yaml': CM,
      'charts/other/x': { link: '../web-1.0.0/web/Chart.yaml' },
    },
    'o',
  ],
  [
    'symlinks together with what they lead to',
    {
      'o/kustomization.yaml': { link: 'real.yaml' },
      'o/real.yaml': 'resources: [a.yaml, ../base]\n',
      'o/a.yaml': { link: 'files/deep/a.yaml' },
      'o/files': { link: 'data' },
      'o/data/deep/a.yaml': CM,
      base: { link: './shared/../shared/base' },
      'shared/base/kustomization.yaml': 'resources: [b.yaml]\n',
      'shared/base/b.yaml': CM,
    },
    'o',
  ],
  [
    'the root of the repository as the overlay, and names in any case',
    {
      'kustomization.yaml': 'Resources: [a.yaml]\n',
      'a.yaml': CM,
    },
    '.',
  ],
  [
    'the same base through two siblings',
    {
      'o/kustomization.yaml': 'resources: [../a, ../b]\n',
      'a/kustomization.yaml': 'resources: [../base]\nnamePrefix: a-\n',
      'b/kustomization.yaml': 'resources: [../base]\nnamePrefix: b-\n',
      'base/kustomization.yaml': 'resources: [x.yaml]\n',
      'base/x.yaml': CM,
    },
    'o',
  ],
  [
    'a local file that is named like a repository',
    {
      'o/kustomization.yaml': 'resources: [github.com/acme/app.yaml]\n',
      'o/github.com/acme/app.yaml': CM,
    },
    'o',
  ],
  [
    'the first document and the last of equal keys of a kustomization, as kustomize does',
    {
      'o/kustomization.yaml': 'resources: [gone.yaml]\nresources: [a.yaml]\n---\nresources: [gone.yaml]\n',
      'o/a.yaml': CM,
    },
    'o',
  ],
  [
    'anchors and merge keys of a kustomization',
    {
      'o/kustomization.yaml': lines(
        'configMapGenerator:',
        '- &a {name: a, files: [x.txt]}',
        '- {<<: *a, name: b}',
      ),
      'o/x.txt': '1',
    },
    'o',
  ],
];

for (const [what, files, path] of READS) {
  test(`a closure holds ${what}, and nothing else`, async () => {
    const closure = await closureOf(
      { ...files, 'outside.txt': 'x', 'p/kustomization.yaml': 'resources: []\n' },
      path,
    );
    assert.deepEqual(closure.files, Object.keys(files).sort());
  });
}

test('a cycle is found through a base that was read before for another overlay', async () => {
  const store = new MemoryObjects();
  const root = store.snapshot({
    'base/kustomization.yaml': 'resources: [../apps]\n',
    'apps/kustomization.yaml': 'namePrefix: x\n',
    'apps/o/kustomization.yaml': 'resources: [../../base]\n',
  });
  const cache = new NodeCache();
  await closureNode(store, root, 'base', cache, signal);
  await assert.rejects(closureNode(store, root, 'apps/o', cache, signal), { code: 'closure-cycle' });
});

test('a directory that does not exist is told apart from one that does not resolve', async () => {
  await assert.rejects(closureOf({ 'a.yaml': CM }, 'apps/x'), {
    code: 'overlay-missing',
    message: 'directory apps/x does not exist',
  });
  await assert.rejects(closureOf({ 'a.yaml': CM }, 'a.yaml'), { code: 'overlay-missing' });
  await assert.rejects(closureOf({ 'a.yaml': CM }, '../x'), { code: 'path-escapes' });
});

test('files, depth and bytes are limited', async () => {
  const chain: Files = { 'd9/kustomization.yaml': 'namePrefix: x\n' };
  for (let level = 0; level < 9; level++)
    chain[`d${level}/kustomization.yaml`] = `resources: [../d${level + 1}]\n`;
  await assert.rejects(closureOf(chain, 'd0', { depth: 8 }), { code: 'closure-too-large' });
  assert.equal((await closureOf(chain, 'd0', { depth: 9 })).files.length, 10);
  await assert.rejects(closureOf(chain, 'd0', { files: 9 }), { code: 'closure-too-large' });
  const store = new MemoryObjects();
  const root = store.snapshot({ 'o/kustomization.yaml': 'resources: [a]\n', 'o/a': 'x'.repeat(100) });
  const read = (limits: Partial<ClosureLimits>) => readClosure(store, root, 'o', { limits }, signal);
  await assert.rejects(read({ fileBytes: 99 }), {
    code: 'closure-too-large',
    message: /^o\/a: has 100 bytes/,
  });
  await assert.rejects(read({ bytes: 110 }), { code: 'closure-too-large' });
});

test('a lattice of bases is read in linear time', { timeout: 60_000 }, async () => {
  const files: Files = {
    'l0/a/kustomization.yaml': 'namePrefix: x\n',
    'l0/b/kustomization.yaml': 'namePrefix: y\n',
  };
  for (let level = 1; level <= 30; level++) {
    for (const side of ['a', 'b'])
      files[`l${level}/${side}/kustomization.yaml`] =
        `resources: [../../l${level - 1}/a, ../../l${level - 1}/b]\n`;
  }
  assert.equal((await closureOf(files, 'l30/a')).files.length, 61);
});

test('a closure is read with its contents, those of a symlink being its target', async () => {
  const store = new MemoryObjects();
  const root = store.snapshot({
    'o/kustomization.yaml': 'resources: [a.yaml]\n',
    'o/a.yaml': { link: 'b.yaml' },
    'o/b.yaml': { program: CM },
  });
  const { files } = await readClosure(store, root, 'o', {}, signal);
  const shown = [...files].map(([path, { bytes, mode }]) => [path, mode, Buffer.from(bytes).toString()]);
  assert.deepEqual(shown, [
    ['o/a.yaml', 'symlink', 'b.yaml'],
    ['o/b.yaml', 'executable', CM],
    ['o/kustomization.yaml', 'file', 'resources: [a.yaml]\n'],
  ]);
});

test('a store that fetches is asked per level of nesting, not per file', async () => {
  const store = new MemoryObjects();
  const files: Files = { 'apps/web/o/kustomization.yaml': 'resources: [../base]\n' };
  const names = Array.from({ length: 50 }, (_, index) => `r${index}.yaml`);
  files['apps/web/base/kustomization.yaml'] = `resources: [${names.join(', ')}, sub/s.yaml]\n`;
  for (const name of names) files[`apps/web/base/${name}`] = `${CM}data: {n: ${name}}\n`;
  files['apps/web/base/sub/s.yaml'] = CM;
  const root = store.snapshot(files);
  await readClosure(store, root, 'apps/web/o', {}, signal);
  // Four trees down, the overlay's kustomization, the base's tree, its kustomization, one tree below, all files.
  assert.ok(store.roundTrips <= 9, `${store.roundTrips} round trips`);
});

test('a second overlay on the same base, and the next revision, read only what is new', async () => {
  const store = new MemoryObjects();
  const files: Files = {
    'a/kustomization.yaml': 'resources: [../base]\nnamePrefix: a-\n',
    'b/kustomization.yaml': 'resources: [../base]\nnamePrefix: b-\n',
    'base/kustomization.yaml': 'resources: [x.yaml]\n',
    'base/x.yaml': CM,
  };
  const cache = new NodeCache();
  const root = store.snapshot(files);
  await closureNode(store, root, 'a', cache, signal);
  store.reset();
  await closureNode(store, root, 'b', cache, signal);
  assert.equal(store.reads.length, 2, 'the tree of b and its kustomization');
  const next = store.snapshot({ ...files, 'base/x.yaml': `${CM}data: {}\n` });
  store.reset();
  const closures = [
    await closureNode(store, next, 'a', cache, signal),
    await closureNode(store, next, 'b', cache, signal),
  ];
  assert.equal(store.reads.length, 2, 'the root tree and the tree of base');
  assert.equal(closures[0]!.files.length, 3);
});

test('what is not there yet but would matter is watched', async () => {
  const closure = await closureOf(
    { 'o/kustomization.yml': 'helmCharts: [{name: web}]\n', 'o/charts/web/Chart.yaml': 'name: web\n' },
    'o',
  );
  assert.deepEqual(closure.watch, ['o/Kustomization', 'o/charts', 'o/kustomization.yaml']);
  assert.equal(closure.usesCharts, true);
});

test('an aborted read ends with the reason given', async () => {
  const store = new MemoryObjects();
  const root = store.snapshot({ 'o/kustomization.yaml': 'namePrefix: x\n' });
  const stopped = AbortSignal.abort(new Error('enough'));
  await assert.rejects(closureNode(store, root, 'o', new NodeCache(), stopped), { message: 'enough' });
});
