import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { FlotillaError } from '#proto/faults.ts';
import { NodeCache, readClosure } from './closure.ts';
import { openEngine } from './engine.ts';
import type { Renderer, RenderInput } from './renderer.ts';
import { corpusFiles, readCorpus } from './testing/corpus.ts';
import type { Json } from './yaml/read.ts';

const { signal } = new AbortController();
type Texts = Readonly<Record<string, string>>;

async function inputOf(files: Texts, path = '.', more: Partial<RenderInput> = {}): Promise<RenderInput> {
  const store = new MemoryObjects();
  const bytes = Object.entries(files).map(([name, text]) => [name, Buffer.from(text)] as const);
  const root = store.snapshot(Object.fromEntries(bytes));
  const closure = await readClosure(store, root, path, { cache: new NodeCache() }, signal);
  return { ...closure, components: [], ...more };
}

const BASE = {
  'base/kustomization.yaml':
    'resources: [all.yaml]\nconfigMapGenerator: [{name: c, literals: [a=b]}]\nlabels: [{pairs: {b: x}}]\n',
  'base/all.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: web, image: nginx, envFrom: [{configMapRef: {name: c}}]}]}}}
`,
};
const overlay = (name: string) => ({
  [`${name}/kustomization.yaml`]: `resources: [../base]
namePrefix: ${name}-
namespace: ${name}
commonAnnotations: {of: ${name}}
images: [{name: nginx, newTag: ${name}}]
configMapGenerator: [{name: c, behavior: merge, literals: [of=${name}]}]
patches:
- target: {kind: Deployment}
  patch: '[{"op": "add", "path": "/spec/replicas", "value": 3}, {"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "${name}"}}]'
`,
});
const FLEET: Texts = { ...BASE, ...overlay('a'), ...overlay('b') };

test('no rendering affects another: what shares a base comes out as it does alone', async () => {
  const shared = openEngine();
  const alone = await Promise.all(
    ['a', 'b'].map(async (path) => openEngine().render(await inputOf(FLEET, path), signal)),
  );
  for (const path of ['a', 'b', 'a', 'b', 'base', 'a']) {
    const expected =
      path === 'base'
        ? await openEngine().render(await inputOf(FLEET, path), signal)
        : alone['ab'.indexOf(path)];
    assert.deepEqual(await shared.render(await inputOf(FLEET, path), signal), expected, path);
  }
});

test('a base is gathered once: with the same nodes its files are not asked for again', async () => {
  const engine = openEngine();
  await engine.render(await inputOf(FLEET, 'a'), signal);
  const input = await inputOf(FLEET, 'b');
  const files = new Map([...input.files].filter(([path]) => path !== 'base/all.yaml'));
  const [deployment] = await engine.render({ ...input, files }, signal);
  assert.equal((deployment as { metadata: { name: string } }).metadata.name, 'b-web');
});

test('equal closures render equally, whatever the order of their files and whatever was rendered before', async () => {
  const warm = openEngine();
  for (const one of readCorpus('the engine renders equal closures equally')) {
    const store = new MemoryObjects();
    const root = store.snapshot(corpusFiles(one));
    const closure = await readClosure(store, root, one.root, {}, signal).catch(() => undefined);
    if (!closure) continue;
    const input = { ...closure, components: [] };
    const turned = { ...input, files: new Map([...input.files].reverse()) };
    const [first, second, third] = [
      await outcome(warm, input),
      await outcome(warm, turned),
      await outcome(openEngine(), turned),
    ];
    assert.deepEqual(second, first, one.name);
    assert.deepEqual(third, first, one.name);
  }
});

async function outcome(engine: Renderer, input: RenderInput): Promise<Json[] | string> {
  return engine.render(input, signal).catch((error: Error) => error.message);
}

test('a placement puts components and a namespace over the overlay', async () => {
  const files = {
    ...FLEET,
    'c/kustomization.yaml': 'kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nnameSuffix: -c\n',
  };
  const both = await inputOf(
    { ...files, 'x/kustomization.yaml': 'resources: [../a]\ncomponents: [../c]\n' },
    'x',
  );
  const [config, deployment] = (
    await openEngine().render({ ...both, path: 'a', components: ['c'], namespace: 'top' }, signal)
  ).sort((one, other) => ((one as { kind: string }).kind < (other as { kind: string }).kind ? -1 : 1)) as {
    metadata: { name: string; namespace: string };
  }[];
  assert.match(config!.metadata.name, /^a-c-c-[a-z0-9]{10}$/);
  assert.deepEqual([deployment!.metadata.name, deployment!.metadata.namespace], ['a-web-c', 'top']);
});

const FAULTS: readonly (readonly [name: string, files: Texts, code: string, message: RegExp])[] = [
  [
    'an entry that fails is named with its line and column',
    {
      'kustomization.yaml': 'resources: [a.yaml]\nreplicas:\n- name: nobody\n  count: 2\n',
      'a.yaml': 'kind: A\nmetadata: {name: a}\n',
    },
    'render-failed',
    /^the root of the repository: kustomization\.yaml:3:3: no object named nobody/,
  ],
  [
    'independent faults are told together, each with its place',
    { 'kustomization.yaml': 'resources:\n- a.yaml\n- b.yaml\n', 'a.yaml': 'kind: A\n', 'b.yaml': 'a: [\n' },
    'render-failed',
    /: a\.yaml: a A has no metadata\.name\nb\.yaml:2:1: /,
  ],
  [
    'all that is wrong with the shape of a kustomization is told at once',
    { 'kustomization.yaml': 'namePrefix: 1\nlabels: [{pair: {}}]\nreplicas: [{count: x}]\n' },
    'render-failed',
    /namePrefix must be text, not a number; unknown field labels\[0\]\.pair; did you mean pairs\?; replicas\[0\]\.count must be a whole number/,
  ],
  [
    'a component that brings a schema is refused as unsupported, with its line',
    {
      'kustomization.yaml': 'components: [part]\n',
      'part/kustomization.yaml':
        'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nopenapi: {path: schema.json}\n',
      'part/schema.json': '{"definitions": {}}\n',
    },
    'render-unsupported',
    /part\/kustomization\.yaml:3:17: a component that brings a schema/,
  ],
  [
    'a value that is to be the name of the root is refused as unsupported, with its line',
    {
      'kustomization.yaml': 'resources: [a.yaml]\ntransformers: [t.yaml]\n',
      'a.yaml': 'kind: A\nmetadata: {name: a}\n',
      't.yaml':
        'apiVersion: builtin\nkind: ValueAddTransformer\nmetadata: {name: t}\ntargets: [{fieldPath: data/where}]\n',
    },
    'render-unsupported',
    /: kustomization\.yaml:2:15: value is needed at the root/,
  ],
  [
    'a chart that was not templated is refused as unsupported, with its line',
    { 'kustomization.yaml': 'helmCharts:\n- {name: c}\n', 'charts/c/Chart.yaml': 'name: c\n' },
    'render-unsupported',
    /: kustomization\.yaml:2:3: helmCharts are not rendered here/,
  ],
  [
    'a field of the wrong shape is told with the object',
    {
      'kustomization.yaml': 'resources: [a.yaml]\ncommonLabels: {a: b}\n',
      'a.yaml': 'kind: Deployment\nmetadata: {name: a}\nspec: text\n',
    },
    'render-failed',
    /: kustomization\.yaml:2:15: Deployment\.\[noVer\]\.\[noGrp\]\/a\.\[noNs\]: spec\/selector\/matchLabels passes text before selector/,
  ],
];
for (const [name, files, code, message] of FAULTS) {
  test(name, async () => {
    await assert.rejects(openEngine().render(await inputOf(files), signal), (error) => {
      assert.ok(error instanceof FlotillaError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.ok(error.source?.file);
      return true;
    });
  });
}

test('patterns that backtrack elsewhere take no time', async () => {
  const files = {
    'kustomization.yaml': `resources: [a.yaml]\npatches:\n- {target: {name: "(a+)+b"}, patch: '[{"op": "add", "path": "/x", "value": 1}]'}\n`,
    'a.yaml': `kind: A\nmetadata: {name: ${'a'.repeat(5_000)}}\n`,
  };
  const start = process.cpuUsage();
  await openEngine().render(await inputOf(files), signal);
  // Backtracking over 5,000 letters would take for ever.
  assert.ok(process.cpuUsage(start).user < 10_000_000);
});
