import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import type { Assignment } from '#proto/assignment.ts';
import fc from '#test/laws.ts';
import { closureNode, NodeCache } from './closure.ts';
import { digestOf } from './digest.ts';

const { signal } = new AbortController();

const assignment = (over: Partial<Assignment> = {}): Assignment => ({
  cluster: 'c1',
  placement: 'web',
  path: 'apps/d0',
  components: [],
  createNamespace: false,
  prune: true,
  values: {},
  apiVersions: [],
  ...over,
});

/** Directories d0…dn; each reads some of the later ones, some files of its own, and generates from another. */
const repository = fc
  .array(
    fc.record({
      bases: fc.array(fc.nat(5), { maxLength: 3 }),
      files: fc.array(fc.constantFrom('a.yaml', 'sub/b.yaml', 'c d.yaml'), { maxLength: 3 }),
      keyed: fc.boolean(),
      name: fc.constantFrom('kustomization.yaml', 'kustomization.yml', 'Kustomization'),
      place: fc.constantFrom('apps', 'shared/deep', 'x'),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((directories) => {
    const pathOf = (index: number) => `${index === 0 ? 'apps' : directories[index]!.place}/d${index}`;
    const files: Record<string, string> = {
      'README.md': 'outside',
      'apps/other/kustomization.yaml': 'namePrefix: o\n',
    };
    for (const [index, { bases, files: own, keyed, name }] of directories.entries()) {
      const here = pathOf(index);
      const later = [...new Set(bases.map((step) => index + 1 + step))].filter(
        (one) => one < directories.length,
      );
      const resources = [...later.map((one) => posix.relative(here, pathOf(one))), ...new Set(own)];
      const generator = keyed ? [{ name: 'g', files: ['key=data.txt'] }] : [];
      files[`${here}/${name}`] = JSON.stringify({ resources, configMapGenerator: generator });
      for (const file of own) files[`${here}/${file}`] = `kind: ${here} ${file}`;
      if (keyed) files[`${here}/data.txt`] = here;
      files[`${here}/NOTES.txt`] = 'read by nobody';
    }
    return files;
  });

async function digestIn(files: Record<string, string>, one = assignment()) {
  const store = new MemoryObjects();
  return digestOf(store, store.snapshot(files), one, new NodeCache(), signal);
}

test('changing any file of the closure changes the digest', async () => {
  await fc.assert(
    fc.asyncProperty(repository, fc.nat(), async (files, pick) => {
      const { digest, files: inside } = await digestIn(files);
      const path = inside[pick % inside.length]!;
      const changed = await digestIn({ ...files, [path]: `${files[path]}\n# changed` });
      assert.notEqual(changed.digest, digest);
    }),
    { numRuns: 200 },
  );
});

test('changing, adding or removing anything outside of the closure leaves the digest as it is', async () => {
  await fc.assert(
    fc.asyncProperty(repository, fc.nat(), fc.string(), async (files, pick, content) => {
      const { digest, files: inside } = await digestIn(files);
      const outside = Object.keys(files).filter((path) => !inside.includes(path));
      const path = outside[pick % outside.length]!;
      const { [path]: _, ...removed } = files;
      const added = { ...files, 'apps/d0/unread.yaml': content, 'zzz/kustomization.yaml': content };
      for (const variant of [{ ...files, [path]: content }, removed, added])
        assert.equal((await digestIn(variant)).digest, digest);
    }),
    { numRuns: 200 },
  );
});

test('the same files in another place have the same node and the same digest', async () => {
  await fc.assert(
    fc.asyncProperty(repository, fc.constantFrom('moved', 'a/b/c'), async (files, under) => {
      const moved = Object.fromEntries(
        Object.entries(files).map(([path, text]) => [`${under}/${path}`, text]),
      );
      const there = await digestIn(moved, assignment({ path: `${under}/apps/d0` }));
      assert.equal(there.digest, (await digestIn(files)).digest);
    }),
    { numRuns: 100 },
  );
});

test('a cache that saw other revisions gives the same closures as an empty one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(repository, { minLength: 2, maxLength: 4 }), async (revisions) => {
      const store = new MemoryObjects();
      const shared = new NodeCache({ nodes: 6, treeEntries: 20, files: 4 });
      for (const files of [...revisions, ...revisions]) {
        const root = store.snapshot(files);
        const warm = await closureNode(store, root, 'apps/d0', shared, signal);
        assert.deepEqual(warm, await closureNode(store, root, 'apps/d0', new NodeCache(), signal));
      }
    }),
    { numRuns: 50 },
  );
});

const FILES = {
  'apps/d0/kustomization.yaml': 'resources: [a.yaml]\n',
  'apps/d0/a.yaml': 'kind: X\n',
  'apps/eu/kustomization.yaml': 'kind: Component\nnamePrefix: eu-\n',
  'apps/us/kustomization.yaml': 'kind: Component\nnamePrefix: us-\n',
};

test('components enter the digest in their order, and so does everything staged of the assignment', async () => {
  const variants: Partial<Assignment>[] = [
    {},
    { components: ['apps/eu'] },
    { components: ['apps/eu', 'apps/us'] },
    { components: ['apps/us', 'apps/eu'] },
    { namespace: 'web' },
    { namespace: 'web', createNamespace: true },
    { prune: false },
    { values: { replicas: { value: 3, from: 'x' } } },
    { values: { replicas: { value: '3', from: 'x' } } },
  ];
  const digests = new Set<string>();
  for (const over of variants) digests.add((await digestIn(FILES, assignment(over))).digest);
  assert.equal(digests.size, variants.length);
});

test('the Kubernetes version enters the digest of closures with charts and no other', async () => {
  const chart = {
    'apps/d0/kustomization.yaml': 'helmCharts: [{name: web}]\n',
    'apps/d0/charts/web/Chart.yaml': 'name: web\n',
  };
  const at = async (files: Record<string, string>, kubeVersion: string) =>
    (await digestIn(files, assignment({ kubeVersion }))).digest;
  assert.equal(await at(FILES, '1.33'), await at(FILES, '1.34'));
  assert.notEqual(await at(chart, '1.33'), await at(chart, '1.34'));
});

test('the place of an overlay enters its digest when its objects are annotated with their files', async () => {
  const annotated = (path: string) => ({
    [`${path}/kustomization.yaml`]: 'buildMetadata: [originAnnotations]\nresources: [a.yaml]\n',
    [`${path}/a.yaml`]: 'kind: X\n',
  });
  const [here, there] = [
    await digestIn(annotated('a'), assignment({ path: 'a' })),
    await digestIn(annotated('b'), assignment({ path: 'b' })),
  ];
  assert.equal(here.overlay.node, there.overlay.node);
  assert.notEqual(here.digest, there.digest);
});

test('the name of a directory enters the digest only where a transformer renders it', async () => {
  const named = (path: string, value: string) => ({
    [`${path}/kustomization.yaml`]: 'transformers: [t.yaml]\n',
    [`${path}/t.yaml`]: `apiVersion: builtin\nkind: ValueAddTransformer\nmetadata: {name: t}\n${value}targets: []\n`,
  });
  const at = async (path: string, value: string) =>
    (await digestIn(named(path, value), assignment({ path }))).digest;
  assert.notEqual(await at('prod', ''), await at('dev', ''));
  assert.equal(await at('prod', 'value: x\n'), await at('dev', 'value: x\n'));
});

test('a missing overlay or component is reported with placement and cluster', async () => {
  await assert.rejects(digestIn(FILES, assignment({ path: 'apps/gone' })), {
    code: 'overlay-missing',
    message: 'placement web on cluster c1: directory apps/gone does not exist',
    source: { file: 'apps/gone' },
  });
  await assert.rejects(digestIn(FILES, assignment({ components: ['apps/gone'] })), {
    code: 'overlay-missing',
  });
});

test('an overlay that is a component, and a component that is none, are refused', async () => {
  await assert.rejects(digestIn(FILES, assignment({ path: 'apps/eu' })), {
    code: 'closure-invalid',
    message: /apps\/eu is of kind Component/,
  });
  await assert.rejects(digestIn(FILES, assignment({ components: ['apps/d0'] })), {
    code: 'closure-invalid',
    message: /a component is expected/,
  });
});
