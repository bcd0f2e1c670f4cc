import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type MemoryFile, MemoryObjects } from '#git/testing/memory-objects.ts';
import { obtainTools } from '#tools/obtain.ts';
import { closureNode, NodeCache, readFiles } from './closure.ts';
import { type KustomizeOptions, openKustomize } from './kustomize.ts';
import type { RenderInput } from './renderer.ts';
import type { Json } from './yaml/read.ts';

const { signal } = new AbortController();
let home: string;
let binary: string;

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'flotilla-kustomize-test-'));
  ({ kustomize: binary } = await obtainTools(['kustomize']));
});
after(async () => rm(home, { recursive: true, force: true }));

const open = (over: Partial<KustomizeOptions> = {}) =>
  openKustomize({ binary, scratch: join(home, 'scratch'), ...over });

async function inputOf(
  tree: Record<string, MemoryFile>,
  path: string,
  more: { components?: string[]; namespace?: string } = {},
): Promise<RenderInput> {
  const store = new MemoryObjects();
  const root = store.snapshot(tree);
  const { components = [], namespace } = more;
  const cache = new NodeCache();
  const [overlay, ...rest] = await Promise.all(
    [path, ...components].map((one) => closureNode(store, root, one, cache, signal)),
  );
  const files = await readFiles(store, [overlay!, ...rest], signal);
  const { options, usesCharts } = overlay!;
  return { path: overlay!.path, components, ...(namespace && { namespace }), options, usesCharts, files };
}

const configMap = (name: string, more = '') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n${more}`;
type Named = {
  kind: string;
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> };
};
const names = (objects: readonly Json[]) =>
  (objects as Named[]).map(({ kind, metadata }) => `${kind}/${metadata.name}`);

const APP: Record<string, MemoryFile> = {
  'apps/web/base/kustomization.yaml':
    'resources: [z.yaml, a.yaml]\nconfigMapGenerator: [{name: gen, literals: [a=b]}]\n',
  'apps/web/base/z.yaml': configMap('z'),
  'apps/web/base/a.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n',
  'apps/web/prod/kustomization.yaml': 'resources: [../base]\nnamePrefix: p-\n',
  'apps/web/eu/kustomization.yaml': 'kind: Component\npatches: [{path: p.yaml}]\n',
  'apps/web/eu/p.yaml': configMap('p-z', 'data: {region: eu}\n'),
  'apps/web/more/kustomization.yaml': 'kind: Component\ncommonAnnotations: {more: "1"}\n',
};

test('an overlay is rendered in the order of its resources', async () => {
  const objects = await (await open()).render(await inputOf(APP, 'apps/web/prod'), signal);
  assert.deepEqual(names(objects), ['ConfigMap/p-z', 'Namespace/a', 'ConfigMap/p-gen-4h2mbtbbt6']);
});

test('components are applied to what the overlay renders, in order, and the namespace over all', async () => {
  const input = await inputOf(APP, 'apps/web/prod', {
    components: ['apps/web/eu', 'apps/web/more'],
    namespace: 'web',
  });
  const [z, , gen] = (await (await open()).render(input, signal)) as (Named & { data?: unknown })[];
  assert.deepEqual(z?.data, { region: 'eu' });
  assert.equal(z?.metadata.namespace, 'web');
  assert.equal(gen?.metadata.annotations?.more, '1');
  assert.equal(gen?.metadata.namespace, 'web');
});

test('order and build metadata of the overlay count under a namespace as well', async () => {
  const tree = {
    ...APP,
    'apps/web/prod/kustomization.yaml':
      'resources: [../base]\nsortOptions: {order: legacy}\nbuildMetadata: [managedByLabel]\n',
  };
  const renderer = await open();
  for (const more of [{}, { namespace: 'web' }]) {
    const objects = await renderer.render(await inputOf(tree, 'apps/web/prod', more), signal);
    assert.equal((objects[0] as Named).kind, 'Namespace');
    assert.match(JSON.stringify(objects[0]), /app\.kubernetes\.io\/managed-by/);
  }
});

test('the root of the repository can be the overlay, also under a namespace', async () => {
  const tree = { 'kustomization.yaml': 'resources: [x.yaml]\n', 'x.yaml': configMap('x') };
  for (const more of [{}, { namespace: 'web' }]) {
    assert.deepEqual(names(await (await open()).render(await inputOf(tree, '.', more), signal)), [
      'ConfigMap/x',
    ]);
  }
});

test('symlinks of files, directories and kustomizations are followed as in a checkout', async () => {
  const tree: Record<string, MemoryFile> = {
    'o/kustomization.yaml': { link: 'k.yaml' },
    'o/k.yaml': 'resources: [l.yaml, ../base]\n',
    'o/l.yaml': { link: 'sub/x.yaml' },
    'o/sub': { link: 'real' },
    'o/real/x.yaml': configMap('x'),
    base: { link: 'shared/base' },
    'shared/base/kustomization.yaml': 'resources: [y.yaml]\n',
    'shared/base/y.yaml': configMap('y'),
  };
  assert.deepEqual(names(await (await open()).render(await inputOf(tree, 'o'), signal)), [
    'ConfigMap/x',
    'ConfigMap/y',
  ]);
});

test('numbers, booleans and text survive with their types, and large integers with every digit', async () => {
  const spec = 'spec: {a: 0644, b: yes, c: "12", n: 9223372036854775807, d: 1.10, e: 2020-01-01, f: 1_000}\n';
  const tree = { 'o/kustomization.yaml': 'resources: [x.yaml]\n', 'o/x.yaml': `${configMap('x')}${spec}` };
  const [object] = (await (await open()).render(await inputOf(tree, 'o'), signal)) as { spec: Json }[];
  assert.deepEqual(object?.spec, {
    a: 420,
    b: 'yes',
    c: '12',
    n: 9223372036854775807n,
    d: 1.1,
    e: '2020-01-01T00:00:00Z',
    f: 1000,
  });
});

test('what kustomize says is reported with the overlay and without temporary paths', async () => {
  const tree = { 'apps/o/kustomization.yaml': 'resources: [x.yaml]\n', 'apps/o/x.yaml': 'kind: [\n' };
  await assert.rejects(
    (await open()).render(await inputOf(tree, 'apps/o'), signal),
    (error: Error & { code?: string; source?: unknown }) => {
      assert.equal(error.code, 'render-failed');
      assert.match(error.message, /^apps\/o: .*MalformedYAMLError.*x\.yaml/);
      assert.ok(!error.message.includes(home) && !error.message.includes('/repo'), error.message);
      assert.deepEqual(error.source, { file: 'apps/o' });
      return true;
    },
  );
});

test('a file that the closure does not hold cannot be read, wherever it is', async () => {
  const input = await inputOf(APP, 'apps/web/prod');
  const files = new Map(input.files);
  files.delete('apps/web/base/z.yaml');
  await assert.rejects((await open()).render({ ...input, files }, signal), {
    code: 'render-failed',
    message: /no such file/,
  });
});

test('charts are refused in words', async () => {
  const input = await inputOf(
    { 'o/kustomization.yaml': 'helmCharts: [{name: web}]\n', 'o/charts/web/Chart.yaml': 'name: web\n' },
    'o',
  );
  await assert.rejects((await open()).render(input, signal), {
    code: 'render-unsupported',
    message: /helmCharts/,
  });
});

test('a missing program is named, whether it is absent, not executable or no absolute path', async () => {
  const input = await inputOf(APP, 'apps/web/prod');
  const plain = join(home, 'plain');
  await writeFile(plain, 'x', { mode: 0o600 });
  for (const path of [join(home, 'gone'), plain]) {
    await assert.rejects((await open({ binary: path })).render(input, signal), {
      code: 'render-tool-missing',
    });
  }
  await assert.rejects(open({ binary: 'kustomize' }), { code: 'render-tool-missing' });
});

/** A program in place of kustomize that behaves badly. */
async function program(name: string, script: string): Promise<string> {
  const path = join(home, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o700);
  return path;
}

test('time and output are limited, and an abort ends the program', async () => {
  const input = await inputOf(APP, 'apps/web/prod');
  const slow = await program('slow', 'exec /bin/sleep 60');
  const loud = await program('loud', 'while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done');
  const fails = async (binary: string, limits: NonNullable<KustomizeOptions['limits']>) =>
    (await open({ binary, limits })).render(input, signal);
  await assert.rejects(fails(slow, { timeMs: 100 }), {
    code: 'render-failed',
    message: /did not end within 0\.1 s/,
  });
  await assert.rejects(fails(loud, { outputBytes: 10_000 }), {
    code: 'render-failed',
    message: /more than 10000 bytes/,
  });
  const controller = new AbortController();
  const started = program('started', `: > ${join(home, 'marker')}; exec /bin/sleep 60`);
  const aborted = (await open({ binary: await started })).render(input, controller.signal);
  while (!(await readdir(home)).includes('marker')) await new Promise((resolve) => setImmediate(resolve));
  controller.abort(new Error('enough'));
  await assert.rejects(aborted, /enough/);
});

test('the program sees an empty environment and nothing but its own files', async () => {
  const spy = await program(
    'spy',
    'echo "variables: [$(/usr/bin/env | /usr/bin/cut -d= -f1 | /usr/bin/tr "\\n" ,)]"; echo "files: [$(cd ../../../.. && /usr/bin/find . -type f | /usr/bin/sort | /usr/bin/tr "\\n" ,)]"',
  );
  const [seen] = (await (
    await open({ binary: spy })
  ).render(await inputOf(APP, 'apps/web/prod'), signal)) as { variables: string[]; files: string[] }[];
  const ofShell = ['PWD', 'OLDPWD', '_', 'SHLVL'];
  assert.deepEqual(
    seen?.variables.filter((name) => !ofShell.includes(name)),
    [],
  );
  assert.deepEqual(
    seen?.files,
    ['base/a.yaml', 'base/kustomization.yaml', 'base/z.yaml', 'prod/kustomization.yaml'].map(
      (file) => `./repo/apps/web/${file}`,
    ),
  );
});

test('nothing is left behind, and what a killed process left is swept at the start', async () => {
  const scratch = join(home, 'swept');
  const dead = join(scratch, 'flotilla-render-999999999-x');
  const old = join(scratch, `flotilla-render-${process.pid}-old`);
  const live = join(scratch, `flotilla-render-${process.pid}-live`);
  const foreign = join(scratch, 'somebody-elses');
  for (const path of [dead, old, live, foreign]) await mkdir(join(path, 'repo'), { recursive: true });
  await utimes(old, new Date(0), new Date(0));
  const renderer = await open({ scratch });
  assert.deepEqual((await readdir(scratch)).sort(), [
    `flotilla-render-${process.pid}-live`,
    'somebody-elses',
  ]);
  const broken = await inputOf({ 'o/kustomization.yaml': 'resources: [x]\n', 'o/x': '[' }, 'o');
  await Promise.allSettled([
    renderer.render(broken, signal),
    renderer.render(await inputOf(APP, 'apps/web/prod'), signal),
  ]);
  assert.deepEqual((await readdir(scratch)).sort(), [
    `flotilla-render-${process.pid}-live`,
    'somebody-elses',
  ]);
});
