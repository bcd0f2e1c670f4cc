import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MemoryFile, MemoryObjects } from '#git/testing/memory-objects.ts';
import { FlotillaError } from '#proto/faults.ts';
import { NodeCache } from '#render/closure.ts';
import { closuresOf } from '#render/digest.ts';
import fc from '#test/laws.ts';
import { Overlays } from './overlays.ts';

const never = new AbortController().signal;

/** Few places and many ways to refer from one to another: up, down, beside, through symlinks, to files that may not be there. */
const DIRECTORIES = ['base', 'apps/x', 'apps/y', 'apps/x/sub', 'apps', 'part'] as const;
const REFERENCES = [
  '../../base',
  '../base',
  '../y',
  '../x',
  'sub',
  'a.yaml',
  '../..',
  '../link',
  '../../part',
] as const;
const PLACES = DIRECTORIES.flatMap((path) => [
  { placement: 'p', cluster: 'c', path, components: [] },
  { placement: 'q', cluster: 'c', path, components: ['part'] },
]);

const kustomization = fc
  .record({
    resources: fc.uniqueArray(fc.constantFrom(...REFERENCES), { maxLength: 2 }),
    named: fc.boolean(),
    extra: fc.constantFrom(
      '',
      'buildMetadata: [originAnnotations]\n',
      'namePrefix: a-\n',
      'namePrefix: b-\n',
    ),
    component: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  })
  .map(({ resources, named, extra, component }): MemoryFile => {
    const kind = component ? 'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n' : '';
    const generator = named ? 'configMapGenerator: [{ name: n, files: [a.yaml] }]\n' : '';
    return `${kind}${extra}${generator}resources: [${resources.join(', ')}]\n`;
  });
const edit = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(...DIRECTORIES), kustomization)
      .map(([at, file]) => [`${at}/kustomization.yaml`, file] as const),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...DIRECTORIES), fc.constantFrom('one', 'two'))
      .map(([at, text]) => [`${at}/a.yaml`, text] as const),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('base', 'apps/x', '../outside')
      .map((link) => ['apps/link', { link: `../${link}` }] as const),
  },
  {
    weight: 1,
    arbitrary: fc.constant([
      'part/kustomization.yaml',
      'kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\n',
    ] as const),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...DIRECTORIES)
      .map((at) => [`${at}/kustomization.yml`, 'resources: []\n'] as const),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...DIRECTORIES),
        fc.constantFrom('a.yaml', 'kustomization.yaml', 'kustomization.yml'),
      )
      .map(([at, name]) => [`${at}/${name}`, undefined] as const),
  },
);
const START: Record<string, MemoryFile> = {
  'base/kustomization.yaml': 'resources: [a.yaml]\n',
  'base/a.yaml': 'one',
  'apps/x/kustomization.yaml': 'resources: [../../base]\n',
  'apps/y/kustomization.yaml': 'resources: [../../base]\n',
  'part/kustomization.yaml': 'kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\n',
};

test('what is remembered of overlays over commits is what a fresh look finds, whatever changes', async () => {
  let resolved = 0;
  const histories = fc.array(fc.array(edit, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      const objects = new MemoryObjects();
      const overlays = new Overlays(objects);
      const files = new Map(Object.entries(START));
      for (const edits of [[], ...history]) {
        for (const [path, file] of edits) {
          if (file === undefined) files.delete(path);
          else files.set(path, file);
        }
        const tree = objects.snapshot(Object.fromEntries(files));
        await overlays.moveTo(tree, never);
        for (const place of PLACES) {
          const kept = await outcome(async () => {
            const { nodes, files: count } = overlays.find(place) ?? (await overlays.read(place, never));
            return { nodes, count };
          });
          const fresh = await outcome(async () => {
            const closure = await closuresOf(objects, tree, place, new NodeCache(), never);
            return { nodes: closure.nodes, count: closure.files.length };
          });
          if (typeof fresh !== 'string') resolved++;
          assert.deepEqual(kept, fresh, `${place.path} with ${place.components.length} components`);
        }
      }
    }),
    { numRuns: 60 },
  );
  assert.ok(resolved > 500, `only ${resolved} overlays resolved: nothing was tested`);
});

test('of directories with equal content beside each other only one is read', async () => {
  const objects = new MemoryObjects();
  const names = Array.from({ length: 50 }, (_, i) => `c${i}`);
  const overlay = (name: string): [string, MemoryFile] => [
    `apps/shop/clusters/${name}/kustomization.yaml`,
    'resources: [../../base]\n',
  ];
  const files = {
    'apps/shop/base/kustomization.yaml': 'resources: [a.yaml]\n',
    'apps/shop/base/a.yaml': 'one',
    ...Object.fromEntries(names.map(overlay)),
  };
  const overlays = new Overlays(objects);
  await overlays.moveTo(objects.snapshot(files), never);
  const read = (name: string) =>
    overlays.read(
      { placement: 'shop', cluster: name, path: `apps/shop/clusters/${name}`, components: [] },
      never,
    );
  const first = await read('c0');
  objects.reset();
  for (const name of names.slice(1)) assert.deepEqual((await read(name)).nodes, first.nodes);
  assert.deepEqual(objects.reads, []);
  await overlays.moveTo(objects.snapshot({ ...files, 'apps/shop/base/a.yaml': 'two' }), never);
  assert.deepEqual([...overlays.dropped], ['shop']);
  assert.ok(!overlays.isCurrent(first));
});

async function outcome<T>(look: () => Promise<T>): Promise<T | string> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof FlotillaError) return `${error.code}: ${error.message}`;
    throw error;
  }
}
