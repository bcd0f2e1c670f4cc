import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { createNkey } from '#proto/nkey.ts';
import { type Indexed, Indexer } from './indexer.ts';

/** Which commits make versions of a placement, and what each of them gives to whom. */
const never = new AbortController().signal;
const API = 'apiVersion: flotilla.dev/v1alpha1';
const KEYS: Record<string, string> = {
  east: createNkey('user').publicKey,
  west: createNkey('user').publicKey,
};

type Files = Record<string, string>;
const entry = (name: string, env: string): Files => ({
  [`clusters/${name}.yaml`]: `${API}\nkind: Cluster\nmetadata: { name: ${name}, labels: { env: ${env} } }\nspec: { agent: { publicKeys: [${KEYS[name]}] } }\n`,
});
const shop = (spec: string): Files => ({
  'placements/shop.yaml': `${API}\nkind: Placement\nmetadata: { name: shop }\nspec: { ${spec} }\n`,
});
const app = (env: string, prefix: string): Files => ({
  [`apps/${env}/kustomization.yaml`]: `namePrefix: ${prefix}-\n`,
});
const BASE: Files = {
  'flotilla.yaml': `${API}\nkind: Fleet\nmetadata: { name: acme }\nspec: { branch: main }\n`,
  ...entry('east', 'prod'),
  ...entry('west', 'dev'),
  ...shop('selector: {}, path: "apps/{env}"'),
  ...app('prod', 'p1'),
  ...app('dev', 'd1'),
};
const without = (files: Files, path: string): Files => {
  const { [path]: _, ...rest } = files;
  return rest;
};

/** Goes along commits with these files; the indexer, and what it said at each. */
async function follow(states: readonly Files[], keep?: string) {
  const objects = new MemoryObjects();
  const indexer = new Indexer(objects);
  if (keep !== undefined) indexer.keep(new Map(keep === '' ? [] : [[keep, new Set<string>()]]));
  const oids: string[] = [];
  const seen: Indexed[] = [];
  for (const files of states) {
    const oid = objects.commit(objects.snapshot(files), oids.slice(-1), `commit ${oids.length}\n`);
    const commit = await objects.readCommit(oid, never);
    seen.push(await (oids.length === 0 ? indexer.begin([commit], never) : indexer.advance([commit], never)));
    oids.push(oid);
  }
  const told = (at: number) =>
    (seen.at(at)!.lines.get('shop') ?? seen.at(at)!.retired.get('shop'))?.kept.map(
      ({ revision, contents }) => `${oids.indexOf(revision)}: ${[...contents.keys()].sort().join(' ')}`,
    );
  return { seen, told, oids };
}

test('a join, a leave or a relabel alone makes no version', async () => {
  const { told } = await follow([
    without(BASE, 'clusters/west.yaml'),
    BASE,
    { ...BASE, ...entry('west', 'prod') },
    without(BASE, 'clusters/east.yaml'),
  ]);
  assert.deepEqual([0, 1, 2, 3].map(told), [['0: east'], ['0: east west'], ['0: east west'], ['0: west']]);
});

test('a commit that only deselects makes a version, and one that brings the map back another', async () => {
  const some = { ...BASE, ...shop('selector: { matchLabels: { env: prod } }, path: "apps/{env}"') };
  const { told, seen } = await follow([BASE, some, BASE]);
  assert.deepEqual(told(2), ['0: east west', '1: east', '2: east west']);
  const [first, , last] = seen[2]!.lines.get('shop')!.kept;
  assert.ok(first!.contents.equals(last!.contents), 'a revert');
});

test('a cluster that joins is given what each version has for it, read with the entry as it joined', async () => {
  const early = without(BASE, 'clusters/west.yaml');
  const later = { ...early, ...app('prod', 'p2'), ...app('dev', 'd2') };
  const { seen, oids } = await follow([early, later, { ...later, ...entry('west', 'dev') }]);
  const { kept } = seen[2]!.lines.get('shop')!;
  const given = kept.map(({ contents }) => contents.get('west')!);
  assert.equal(given.length, 2);
  assert.notEqual(given[0]!.digest, given[1]!.digest);
  assert.deepEqual(
    given.map(({ entryRevision, revision }) => [entryRevision, revision]),
    [
      [oids[2], undefined],
      [oids[2], undefined],
    ],
  );
});

test('a cluster whose content is not there at a version keeps what it had, and where that is read is said', async () => {
  const { seen, oids } = await follow([
    BASE,
    { ...without(BASE, 'apps/dev/kustomization.yaml'), ...app('prod', 'p2') },
  ]);
  const [first, second] = seen[1]!.lines.get('shop')!.kept;
  assert.deepEqual(second!.contents.get('west'), {
    ...first!.contents.get('west'),
    revision: oids[0],
  });
  assert.equal(second!.contents.get('east')!.revision, undefined);
});

test('who is relabelled while the placement is invalid keeps everything until it is valid again', async () => {
  const some = { ...BASE, ...shop('selector: { matchLabels: { env: dev } }, path: "apps/{env}"') };
  const broken = { ...some, 'placements/shop.yaml': 'kind: [', ...entry('west', 'prod') };
  const { told } = await follow([some, broken, { ...some, ...entry('west', 'prod') }]);
  assert.deepEqual([0, 1, 2].map(told), [['0: west'], ['0: west'], ['0: ']]);
});

test('a placement that is deleted and comes back goes on with its versions', async () => {
  const { told } = await follow([
    BASE,
    without(BASE, 'placements/shop.yaml'),
    { ...BASE, ...app('dev', 'd2') },
  ]);
  assert.deepEqual(told(1), ['0: east west', '1: ']);
  assert.deepEqual(told(2), ['0: east west', '1: ', '2: east west']);
});

test('a deleted placement is forgotten some commits after nobody wants it', async () => {
  const gone = without(BASE, 'placements/shop.yaml');
  const states = [BASE, ...Array.from({ length: 13 }, (_, i) => ({ ...gone, 'note.md': `${i}` }))];
  assert.equal((await follow(states, '')).told(-1), undefined);
  assert.deepEqual((await follow(states, 'shop')).told(-1), ['0: east west', '1: ']);
  assert.deepEqual((await follow(states)).told(-1), ['0: east west', '1: '], 'nobody has said');
});
