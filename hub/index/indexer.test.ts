import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from './indexer.ts';
import {
  API,
  BASE,
  BROKEN,
  cluster,
  type Files,
  fleet,
  follow,
  history,
  keyOf,
  never,
  overlay,
  placement,
  versionOf,
} from './testing/commits.ts';

test('an unrelated commit keeps every version, and reads nothing but what it changed', async () => {
  const { objects, commits, indexer } = await history(BASE, { ...BASE, 'docs/readme.md': 'hello' });
  const before = await indexer.begin(commits.slice(0, 1), never);
  objects.reset();
  const after = await indexer.advance([commits[1]!], never);
  assert.deepEqual(versionOf(after, 'east'), versionOf(before, 'east'));
  assert.equal(after.rows, before.rows);
  assert.equal(after.lines.get('shop')?.kept.at(-1)?.revision, commits[0]!.oid);
  assert.ok(objects.reads.length < 10, `${objects.reads.length} objects were read`);
});

test('content that changes makes a new version, named by the commit, on every cluster', async () => {
  const { seen, oids } = await follow(BASE, { ...BASE, ...overlay('red') });
  assert.deepEqual(
    { ...versionOf(seen[1], 'east'), digest: '' },
    { revision: oids[1], entryRevision: oids[1], digest: '' },
  );
  assert.notEqual(versionOf(seen[1], 'east')?.digest, versionOf(seen[0], 'east')?.digest);
});

test('of several commits at once the version is named by the one that made it', async () => {
  const states = [BASE, { ...BASE, ...overlay('red') }, { ...BASE, ...overlay('red'), 'docs/x.md': 'x' }];
  const { commits, indexer } = await history(...states);
  await indexer.begin(commits.slice(0, 1), never);
  const after = await indexer.advance(commits.slice(1), never);
  assert.equal(after.lines.get('shop')?.kept.at(-1)?.revision, commits[1]!.oid);
});

test('a joiner takes the version in force with its own entry revision', async () => {
  const joined = { ...BASE, 'clusters/north.yaml': cluster('north', 'env: dev') };
  const { seen, oids } = await follow(BASE, joined);
  const { revision, entryRevision } = versionOf(seen[1], 'north')!;
  assert.deepEqual([revision, entryRevision], [oids[0], oids[1]]);
  assert.equal(seen[1]!.lines.get('shop')?.kept.at(-1)?.revision, oids[0]);
});

test('a joiner whose content the version in force does not have makes a new version', async () => {
  const byName = {
    ...BASE,
    'placements/shop.yaml': placement('shop', 'selector: {}, path: "apps/{name}"'),
    'apps/east/kustomization.yaml': 'resources: []\n',
    'apps/west/kustomization.yaml': 'resources: []\n',
  };
  const joined = {
    ...byName,
    'clusters/north.yaml': cluster('north', 'env: dev'),
    'apps/north/kustomization.yaml': 'resources: []\n',
  };
  const { seen, oids } = await follow(byName, joined);
  assert.equal(seen[1]!.lines.get('shop')?.kept.at(-1)?.revision, oids[1]);
  assert.equal(versionOf(seen[1], 'north')?.revision, oids[1]);
});

test('a relabelled cluster gets another digest of the same version', async () => {
  const perEnv: Files = {
    ...BASE,
    'placements/shop.yaml': placement('shop', 'selector: {}, path: "apps/{env}"'),
    'apps/prod/kustomization.yaml': 'namePrefix: prod-\n',
    'apps/dev/kustomization.yaml': 'namePrefix: dev-\n',
  };
  const { seen, oids } = await follow(perEnv, {
    ...perEnv,
    'clusters/east.yaml': cluster('east', 'env: dev'),
  });
  assert.equal(seen[1]!.lines.get('shop')?.kept.at(-1)?.revision, oids[0]);
  const { revision, entryRevision, digest } = versionOf(seen[1], 'east')!;
  assert.deepEqual([revision, entryRevision], [oids[0], oids[1]]);
  assert.notEqual(digest, versionOf(seen[0], 'east')?.digest);
});

test('a value that changes in an entry makes a new version', async () => {
  const valued = (replicas: number): Files => ({
    ...BASE,
    'placements/shop.yaml': placement(
      'shop',
      'selector: {}, path: apps/shop, values: { required: [replicas] }',
    ),
    'clusters/west.yaml': cluster('west', 'env: prod', ', values: { replicas: 1 }'),
    'clusters/east.yaml': cluster('east', 'env: prod', `, values: { replicas: ${replicas} }`),
  });
  const { seen, oids } = await follow(valued(1), valued(2));
  assert.equal(seen[1]!.lines.get('shop')?.kept.at(-1)?.revision, oids[1]);
  assert.equal(versionOf(seen[1], 'west')?.digest, versionOf(seen[0], 'west')?.digest);
  assert.notEqual(versionOf(seen[1], 'east')?.digest, versionOf(seen[0], 'east')?.digest);
});

for (const [what, path] of [
  ['placement', 'placements/shop.yaml'],
  ['entry', 'clusters/east.yaml'],
  ['Fleet', 'flotilla.yaml'],
] as const) {
  test(`an invalid ${what} stays at its last valid revision, although its content goes on`, async () => {
    const { seen, oids } = await follow(
      BASE,
      { ...BASE, [path]: BROKEN },
      {
        ...BASE,
        ...overlay('red'),
        [path]: BROKEN,
      },
    );
    assert.deepEqual(versionOf(seen[2], 'east'), versionOf(seen[0], 'east'));
    assert.equal(versionOf(seen[2], 'west')?.revision, what === 'entry' ? oids[2] : oids[0]);
    assert.match(problemsOf(seen[2]!)[0]?.message ?? '', new RegExp(`^${path}:`));
    const { docs } = seen[2]!;
    const held = {
      placement: docs.placements.get('shop'),
      entry: docs.clusters.get('east'),
      Fleet: docs.fleet,
    }[what];
    assert.equal(held?.invalid, true);
  });
}

for (const path of ['clusters/east.yaml', 'placements/shop.yaml', 'flotilla.yaml']) {
  test(`content that changed while ${path} was invalid is taken when that is mended`, async () => {
    const red = { ...BASE, ...overlay('red') };
    const { seen, oids } = await follow(BASE, { ...red, [path]: BROKEN }, red);
    const { commits, indexer } = await history(red);
    const straight = await indexer.begin(commits, never);
    assert.equal(versionOf(seen[2], 'east')?.revision, oids[2]);
    assert.equal(versionOf(seen[2], 'east')?.digest, versionOf(straight, 'east')?.digest);
    assert.equal(seen[2]!.docs.clusters.get('east')?.invalid, false);
  });
}

test('a cluster may join the version in force of a placement that is invalid now', async () => {
  const { seen, oids } = await follow(BASE, {
    ...BASE,
    'placements/shop.yaml': BROKEN,
    'clusters/north.yaml': cluster('north', 'env: prod'),
  });
  assert.deepEqual(versionOf(seen[1], 'north'), {
    revision: oids[0],
    entryRevision: oids[1],
    digest: versionOf(seen[0], 'east')?.digest,
  });
});

test('a relabelled cluster keeps its row of an invalid placement: nothing is deselected by what cannot be read', async () => {
  const selecting = {
    ...BASE,
    'placements/shop.yaml': placement('shop', 'selector: { matchLabels: { env: prod } }, path: apps/shop'),
  };
  const { seen } = await follow(selecting, {
    ...selecting,
    'placements/shop.yaml': BROKEN,
    'clusters/east.yaml': cluster('east', 'env: dev'),
  });
  assert.deepEqual(versionOf(seen[1], 'east'), versionOf(seen[0], 'east'));
});

test('an overlay that is missing is charged to placement and cluster, and only that assignment stays', async () => {
  const perEnv: Files = {
    ...BASE,
    'clusters/west.yaml': cluster('west', 'env: dev'),
    'placements/shop.yaml': placement('shop', 'selector: {}, path: "apps/{env}"'),
    'apps/prod/kustomization.yaml': 'namePrefix: prod-\n',
    'apps/dev/kustomization.yaml': 'namePrefix: dev-\n',
  };
  const { 'apps/prod/kustomization.yaml': _, ...without } = perEnv;
  const { seen, oids } = await follow(perEnv, {
    ...without,
    'apps/dev/kustomization.yaml': 'namePrefix: d-\n',
  });
  assert.deepEqual(versionOf(seen[1], 'east'), versionOf(seen[0], 'east'));
  assert.equal(versionOf(seen[1], 'west')?.revision, oids[1]);
  const [problem] = problemsOf(seen[1]!);
  assert.deepEqual(
    [problem?.code, problem?.placement, problem?.cluster, problem?.source.file],
    ['overlay-missing', 'shop', 'east', 'placements/shop.yaml'],
  );
});

test('a placement that selects a cluster no more loses its row; a deleted one all of them', async () => {
  const { seen } = await follow(
    BASE,
    {
      ...BASE,
      'placements/shop.yaml': placement('shop', 'selector: { matchLabels: { env: dev } }, path: apps/shop'),
    },
    Object.fromEntries(Object.entries(BASE).filter(([path]) => path !== 'placements/shop.yaml')),
  );
  assert.equal(seen[1]!.rows.size, 0);
  assert.ok(seen[1]!.docs.placements.has('shop'));
  assert.ok(!seen[2]!.docs.placements.has('shop'));
});

test('an empty repository takes nothing away', async () => {
  const { seen } = await follow(BASE, { 'readme.md': '' });
  assert.equal(seen[1]!.rows, seen[0]!.rows);
  assert.equal(seen[1]!.docs.clusters, seen[0]!.docs.clusters);
  assert.equal(problemsOf(seen[1]!)[0]?.code, 'fleet-missing');
});

test('a first start with an invalid head takes each document as it last was valid', async () => {
  const { commits, indexer } = await history(
    BASE,
    { ...BASE, 'placements/shop.yaml': BROKEN },
    { ...BASE, 'placements/shop.yaml': BROKEN, 'clusters/east.yaml': BROKEN },
    { ...BASE, ...overlay('red'), 'placements/shop.yaml': BROKEN, 'clusters/east.yaml': BROKEN },
  );
  const indexed = await indexer.begin(commits.toReversed(), never);
  assert.equal(versionOf(indexed, 'east')?.revision, commits[0]!.oid);
  assert.equal(indexed.docs.clusters.get('east')?.invalid, true);
  assert.equal(indexed.docs.unreadable.placements.size, 0);
});

test('a first start with an overlay that is missing finds the last revision that had it', async () => {
  const gone = Object.fromEntries(Object.entries(BASE).filter(([path]) => !path.startsWith('apps/')));
  const { commits, indexer } = await history(BASE, gone, { ...gone, 'x.md': '1' }, { ...gone, 'x.md': '2' });
  const indexed = await indexer.begin(commits.toReversed(), never);
  assert.equal(versionOf(indexed, 'east')?.revision, commits[0]!.oid);
  assert.equal(problemsOf(indexed).length, 2);
});

test('a document that was never valid is named as unreadable and stops nothing else', async () => {
  const { commits, indexer } = await history({
    ...BASE,
    'clusters/odd.yaml': BROKEN,
    'placements/odd.yaml': BROKEN,
  });
  const indexed = await indexer.begin(commits, never);
  assert.deepEqual([...indexed.docs.unreadable.clusters], ['odd']);
  assert.deepEqual([...indexed.docs.unreadable.placements], ['odd']);
  assert.ok(versionOf(indexed, 'east'));
});

test('history tells who enrolled a cluster and who relabelled it last', async () => {
  const relabelled = { ...BASE, 'clusters/east.yaml': cluster('east', 'env: dev') };
  const valued = { ...relabelled, 'clusters/east.yaml': cluster('east', 'env: dev', ', suspend: true') };
  const { 'clusters/east.yaml': _, ...before } = BASE;
  const { commits, indexer } = await history(before, BASE, relabelled, valued);
  const { docs } = await indexer.begin(commits.toReversed(), never);
  assert.equal(docs.clusters.get('east')?.enrolledBy.oid, commits[1]!.oid);
  assert.equal(docs.clusters.get('east')?.relabelledAt, commits[2]!.oid);
  assert.equal(docs.clusters.get('west')?.enrolledBy.oid, commits[0]!.oid);
});

test('a shared base touches exactly the overlays that read it', async () => {
  const shared: Files = {
    ...BASE,
    'clusters/west.yaml': cluster('west', 'env: dev'),
    'placements/shop.yaml': placement('shop', 'selector: {}, path: "apps/{env}"'),
    'base/kustomization.yaml': 'resources: [settings.yaml]\n',
    'base/settings.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n',
    'apps/prod/kustomization.yaml': 'resources: [../../base]\n',
    'apps/dev/kustomization.yaml': 'resources: []\n',
  };
  const { seen } = await follow(shared, {
    ...shared,
    'base/settings.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: b }\n',
  });
  assert.notEqual(versionOf(seen[1], 'east')?.digest, versionOf(seen[0], 'east')?.digest);
  assert.equal(versionOf(seen[1], 'west')?.digest, versionOf(seen[0], 'west')?.digest);
});

const values = (name: string, colour: string, spec = 'selector: { matchLabels: { env: prod } }') =>
  `${API}\nkind: Values\nmetadata: { name: ${name} }\nspec: { ${spec}, values: { colour: ${colour} } }\n`;
const COLOURED: Files = {
  ...BASE,
  'placements/shop.yaml': placement(
    'shop',
    'selector: {}, path: apps/shop, values: { optional: { colour: grey } }',
  ),
  'placements/plain.yaml': placement('plain'),
  'values/prod.yaml': values('prod', 'red'),
};

test('a shared value that changes makes a new version of what declares it, and of nothing else', async () => {
  const { seen, oids } = await follow(COLOURED, { ...COLOURED, 'values/prod.yaml': values('prod', 'blue') });
  assert.equal(seen[1]!.lines.get('shop')?.kept.at(-1)?.revision, oids[1]);
  assert.notEqual(versionOf(seen[1], 'east')?.digest, versionOf(seen[0], 'east')?.digest);
  assert.deepEqual(versionOf(seen[1], 'east', 'plain'), versionOf(seen[0], 'east', 'plain'));
  const other = {
    ...COLOURED,
    'values/dev.yaml': values('dev', 'x', 'selector: { matchLabels: { env: dev } }'),
  };
  const { seen: unmoved } = await follow(COLOURED, other);
  assert.deepEqual(versionOf(unmoved[1], 'east'), versionOf(unmoved[0], 'east'));
});

test('while a Values document cannot be read, nothing moves that declares values; all else goes on', async () => {
  const red = { ...COLOURED, ...overlay('red') };
  const { seen, oids } = await follow(COLOURED, { ...red, 'values/odd.yaml': BROKEN }, red);
  assert.deepEqual(versionOf(seen[1], 'east'), versionOf(seen[0], 'east'));
  assert.equal(seen[1]!.lines.get('shop')?.held, 'values');
  assert.equal(versionOf(seen[1], 'east', 'plain')?.revision, oids[1]);
  assert.equal(versionOf(seen[2], 'east')?.revision, oids[2]);
});

test('a cluster that joins while values are in doubt has those of the version in force', async () => {
  const { seen, oids } = await follow(COLOURED, {
    ...COLOURED,
    'values/prod.yaml': BROKEN,
    'clusters/north.yaml': cluster('north', 'env: prod'),
  });
  const { revision, entryRevision, digest } = versionOf(seen[1], 'north')!;
  assert.deepEqual([revision, entryRevision], [oids[0], oids[1]]);
  assert.equal(digest, versionOf(seen[0], 'east')?.digest);
});

test('what declares values has a row though they were never readable, so that it is not removed', async () => {
  const { seen } = await follow({ ...COLOURED, 'values/prod.yaml': BROKEN });
  assert.equal(versionOf(seen[0], 'east'), undefined);
  assert.ok(versionOf(seen[0], 'east', 'plain'));
});

test('Values documents of equal rank that disagree keep back what they concern, and say where', async () => {
  const { seen } = await follow(COLOURED, {
    ...COLOURED,
    'clusters/west.yaml': cluster('west', 'env: dev'),
    'values/other.yaml': values('other', 'blue'),
  });
  assert.deepEqual(versionOf(seen[1], 'east'), versionOf(seen[0], 'east'));
  assert.equal(seen[1]!.rows.get('east')?.get('shop')?.problem?.code, 'value-conflict');
  assert.equal(seen[1]!.rows.get('west')?.get('shop')?.problem, undefined);
});

test('an edit of strategy, drift policy, health, guards or expectations changes no digest and makes no version', async () => {
  const strategy = (name: string) =>
    `${API}\nkind: RolloutStrategy\nmetadata: { name: ${name} }\nspec: { stages: [{ name: all, selector: {} }] }\n`;
  const { seen } = await follow(BASE, {
    ...BASE,
    'flotilla.yaml': fleet.replace(
      'branch: main',
      'branch: main, defaults: { drift: { mode: report }, strategy: slow }, guards: { maxPrune: 5% }',
    ),
    'rollouts/slow.yaml': strategy('slow'),
    'rollouts/fast.yaml': strategy('fast'),
    'placements/shop.yaml': placement(
      'shop',
      'selector: {}, path: apps/shop, strategy: fast, drift: { mode: correct, extras: remove }, expect: { minClusters: 1 }, health: { timeout: 1m }, apply: atomic, allow: { namespaces: [shop] }',
    ),
  });
  assert.deepEqual(
    problemsOf(seen[1]!).filter(({ severity }) => severity === 'error'),
    [],
  );
  assert.deepEqual(versionOf(seen[1], 'east'), versionOf(seen[0], 'east'));
  assert.equal(seen[1]!.lines.get('shop')?.kept, seen[0]!.lines.get('shop')?.kept);
});

test('an error between documents is charged to the one that changed; the other goes on', async () => {
  const required = fleet.replace(
    'branch: main',
    'branch: main, labels: { env: { required: true }, ring: { required: true } }',
  );
  const { seen, oids } = await follow(
    BASE,
    { ...BASE, 'flotilla.yaml': required },
    { ...BASE, ...overlay('red'), 'flotilla.yaml': required },
    { ...BASE, ...overlay('red') },
  );
  assert.deepEqual([...seen[1]!.model.invalid.clusters], []);
  assert.equal(seen[1]!.docs.fleet?.invalid, true);
  assert.deepEqual(
    problemsOf(seen[2]!).map(({ code, source }) => [code, source.file]),
    [['label-invalid', 'flotilla.yaml']],
  );
  assert.equal(versionOf(seen[3], 'east')?.revision, oids[3]);
  const thief = BASE['clusters/west.yaml']!.replace(keyOf('west'), keyOf('east'));
  const { seen: stolen, oids: later } = await follow(BASE, {
    ...BASE,
    ...overlay('red'),
    'clusters/west.yaml': thief,
  });
  assert.equal(stolen[1]!.docs.clusters.get('west')?.invalid, true);
  assert.equal(stolen[1]!.docs.clusters.get('east')?.invalid, false);
  assert.equal(versionOf(stolen[1], 'east')?.revision, later[1]);
  assert.equal(versionOf(stolen[1], 'west')?.revision, later[0]);
});
