import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { resolveAll } from '#proto/fleet-checks/assignments.ts';
import { judgeFleet } from '#proto/fleet-model.ts';
import { NodeCache } from '#render/closure.ts';
import { digestOf } from '#render/digest.ts';
import { makeScratch } from '#test/bed/scratch.ts';
import fc from '#test/laws.ts';
import { readDocuments } from '../documents.ts';
import { isContentFault } from '../overlays.ts';
import { makePlan } from './planner.ts';
import { ReadsStore } from './store.ts';

const { signal } = new AbortController();
const EXAMPLE = join(import.meta.dirname, '../../../fleet-repo-example');
type Files = Readonly<Record<string, string>>;
const example: Files = Object.fromEntries(
  globSync('**/*.{yaml,properties}', { cwd: EXAMPLE }).map((path) => [
    path,
    readFileSync(join(EXAMPLE, path), 'utf8'),
  ]),
);

const NOON = Date.parse('2026-11-20T12:00:00Z');
const side = (name: string, tree: string) => ({ name, tree, root: '' });
const plan = async (objects: MemoryObjects, from: string, to: string, store = new ReadsStore(undefined)) =>
  (
    await makePlan(
      objects,
      { from: side('a', from), to: side('b', to) },
      { store, progress: () => undefined, now: NOON },
      signal,
    )
  ).plan;

/** Digest of every assignment, found out the long way; a fault's code where there is none. */
async function digests(objects: MemoryObjects, tree: string): Promise<Map<string, string>> {
  const documents = await readDocuments(objects, tree, new Map(), signal);
  const model = judgeFleet([...documents.values()].map(({ read }) => read));
  const found = new Map<string, string>();
  const cache = new NodeCache();
  for (const { placement, cluster, resolution } of resolveAll(model)) {
    const key = `${placement.document.metadata.name}/${cluster.document.metadata.name}`;
    if ('faults' in resolution) found.set(key, 'fault');
    else
      try {
        found.set(key, (await digestOf(objects, tree, resolution.assignment, cache, signal)).digest);
      } catch (error) {
        if (!isContentFault(error)) throw error;
        found.set(key, 'fault');
      }
  }
  return found;
}

/** Edits that matter, and some that do not: each a file and what becomes of its text. */
const EDITS: readonly (readonly [file: string, edit: (text: string | undefined) => string | undefined])[] = [
  ['apps/storefront/base/deployment.yaml', (text) => `${text}\n# touched\n`],
  ['apps/storefront/base/shop.properties', (text) => `${text}\nmore=1\n`],
  ['apps/storefront/overlays/prod/quota.yaml', (text) => `${text}\n# touched\n`],
  ['apps/storefront/components/eu-privacy/kustomization.yaml', (text) => `${text}\n# touched\n`],
  ['apps/storefront/overlays/dev/kustomization.yaml', (text) => `${text}\n# touched\n`],
  [
    'apps/storefront/overlays/dev/kustomization.yml',
    (text) => (text === undefined ? 'resources: []\n' : undefined),
  ],
  [
    'apps/storefront/overlays/staging/kustomization.yaml',
    (text) => (text === undefined ? 'resources: [../prod]\n' : undefined),
  ],
  ['apps/ledger/base/service.yaml', (text) => (text === undefined ? 'kind: Service\n' : undefined)],
  ['apps/ledger/overlays/prod/kustomization.yaml', () => 'resources: [../../base, ../../../platform]\n'],
  ['apps/unused/kustomization.yaml', () => 'resources: []\n'],
  ['README.md', (text) => `${text}x`],
  ['clusters/prod-eu-1.yaml', (text) => text?.replace('eu1.acme', 'eu11.acme')],
  ['clusters/prod-eu-2.yaml', (text) => text?.replace('env: prod', 'env: staging')],
  ['clusters/prod-us-1.yaml', () => undefined],
  ['clusters/dev-eu-1.yaml', (text) => text?.replace('region: eu', 'region: us')],
  ['placements/ledger.yaml', (text) => text?.replace('values: [staging, prod]', 'values: [prod, dev]')],
  ['placements/ledger.yaml', () => undefined],
  ['placements/storefront.yaml', (text) => text?.replace('replicas: 2', 'replicas: 4')],
  ['placements/storefront.yaml', (text) => text?.replace('namespace: storefront', 'namespace: shop')],
  ['placements/platform.yaml', (text) => text?.replace('owner: platform', 'owner: somebody')],
  ['values/eu.yaml', (text) => text?.replace('EUR', 'CHF')],
  ['flotilla.yaml', (text) => text?.replace('prune: true', 'prune: false')],
];

function edited(files: Files, edits: readonly number[]): Files {
  const after: Record<string, string> = { ...files };
  for (const index of edits) {
    const [file, edit] = EDITS[index]!;
    const text = edit(after[file]);
    if (text === undefined) delete after[file];
    else after[file] = text;
  }
  return after;
}

test('a plan names exactly the assignments whose digest changes, with and without what an earlier run remembered', async () => {
  await using scratch = await makeScratch('plan');
  const remembering = new ReadsStore(join(scratch.dir, 'cache'));
  const edits = fc.array(fc.nat(EDITS.length - 1), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(edits, edits, async (first, second) => {
      const objects = new MemoryObjects();
      const [before, after] = [edited(example, first), edited(edited(example, first), second)];
      const [from, to] = [objects.snapshot(before), objects.snapshot(after)];
      const [was, is] = [await digests(objects, from), await digests(objects, to)];
      const expected = new Map<string, string>();
      for (const key of new Set([...was.keys(), ...is.keys()])) {
        const [old, now] = [was.get(key), is.get(key)];
        if (old === now) continue;
        expected.set(
          key,
          now === 'fault' ? 'held' : old === undefined ? 'joined' : now === undefined ? 'left' : 'changed',
        );
      }
      for (const store of [new ReadsStore(undefined), remembering]) {
        const found = new Map<string, string>();
        for (const one of (await plan(objects, from, to, store)).placements)
          for (const what of ['changed', 'joined', 'left', 'held'] as const)
            for (const { cluster } of one[what]) found.set(`${one.placement}/${cluster}`, what);
        assert.deepEqual(new Map([...found].sort()), new Map([...expected].sort()));
      }
    }),
    { numRuns: 60, examples: EDITS.map((_, index) => [[], [index]]) },
  );
});

test('directories alike beside each other are looked at once, unless they read each other', async () => {
  const overlay = (name: string) => ({
    [`apps/a/${name}/kustomization.yaml`]: 'resources: [../../base, x.yaml]\n',
    [`apps/a/${name}/x.yaml`]: 'kind: X\n',
    [`apps/b/${name}/kustomization.yaml`]: 'resources: [../one/extra]\n',
    [`apps/b/${name}/extra/kustomization.yaml`]: `resources: []\nnamePrefix: ${name === 'one' ? 'p-' : 'q-'}\n`,
  });
  const files = {
    'flotilla.yaml': example['flotilla.yaml']!,
    'apps/base/kustomization.yaml': 'resources: []\n',
    ...overlay('one'),
    ...overlay('two'),
    ...overlay('three'),
    'clusters/one.yaml': example['clusters/prod-eu-1.yaml']!.replace('name: prod-eu-1', 'name: one'),
    'placements/a.yaml':
      'apiVersion: flotilla.dev/v1alpha1\nkind: Placement\nmetadata: { name: a }\nspec: { selector: {}, path: "apps/a/{name}" }\n',
    'placements/b.yaml':
      'apiVersion: flotilla.dev/v1alpha1\nkind: Placement\nmetadata: { name: b }\nspec: { selector: {}, path: "apps/b/two" }\n',
  };
  const objects = new MemoryObjects();
  const from = objects.snapshot(files);
  const to = objects.snapshot({
    ...files,
    'apps/b/one/extra/kustomization.yaml': 'resources: []\nnamePrefix: r-\n',
  });
  const { placements } = await plan(objects, from, to);
  const changed = placements.map(({ placement, changed }) => [
    placement,
    changed.map(({ cluster }) => cluster),
  ]);
  assert.deepEqual(changed, [
    ['a', []],
    ['b', ['one']],
  ]);
});

test('a store that is damaged, of another tree or unwritable is as if there were none', async () => {
  await using scratch = await makeScratch('plan');
  const directory = join(scratch.dir, 'cache');
  const objects = new MemoryObjects();
  const from = objects.snapshot(example);
  const to = objects.snapshot(edited(example, [0]));
  const expected = await plan(objects, from, to);
  assert.deepEqual(await plan(objects, from, to, new ReadsStore(directory)), expected);
  const file = join(directory, 'reads-v1');
  const good = await readFile(file, 'utf8');
  objects.reset();
  assert.deepEqual(await plan(objects, from, to, new ReadsStore(directory)), expected);
  for (const bad of [
    '',
    'x',
    good.slice(0, -2),
    good.replace('storefront', 'storefrond'),
    good.replace(/^.*\n/, `${'0'.repeat(64)}\n`),
  ]) {
    await writeFile(file, bad);
    assert.deepEqual(await plan(objects, from, to, new ReadsStore(directory)), expected);
    assert.equal(await readFile(file, 'utf8'), good, 'and it is made anew');
  }
  const other = new MemoryObjects();
  const again = [other.snapshot(edited(example, [2])), other.snapshot(edited(example, [2, 3]))] as const;
  const fresh = await plan(other, ...again);
  assert.deepEqual(await plan(other, ...again, new ReadsStore(directory)), fresh);
  writeFileSync(join(scratch.dir, 'file'), '');
  assert.deepEqual(await plan(objects, from, to, new ReadsStore(join(scratch.dir, 'file'))), expected);
});
