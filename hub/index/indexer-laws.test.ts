import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import type { Commit } from '#git/objects.ts';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { createNkey } from '#proto/nkey.ts';
import fc from '#test/laws.ts';
import type { InForce } from '../core/in-force.ts';
import { type Indexed, Indexer, problemsOf } from './indexer.ts';
import { decodeIndex } from './saved/decode.ts';
import { encodeIndex } from './saved/encode.ts';
import { versionAt } from './testing/version-at.ts';

/** Random histories of a small fleet. What was seen on the way must not matter for what a valid head means. */
const never = new AbortController().signal;
const API = 'apiVersion: flotilla.dev/v1alpha1';
const KEYS = { east: createNkey('user').publicKey, west: createNkey('user').publicKey };
const FLEET = `${API}\nkind: Fleet\nmetadata: { name: acme }\nspec: { branch: main }\n`;
const BROKEN = 'kind: [\n';

const state = fc.record({
  fleet: fc.constantFrom('valid', 'valid', 'valid', 'broken'),
  east: fc.constantFrom('prod', 'dev', 'broken', 'absent'),
  west: fc.constantFrom('prod', 'prod', 'dev'),
  shop: fc.constantFrom('all', 'prod', 'by-env', 'broken'),
  shared: fc.constantFrom('red', 'red', 'blue', 'disputed', 'broken', 'absent'),
  base: fc.constantFrom('a', 'b'),
  dev: fc.constantFrom('a', 'b', 'absent'),
  own: fc.constantFrom(
    '',
    '',
    ', values: { colour: own }',
    ', values: { size: 2 }',
    ', placementValues: { odd: {} }',
    ', suspend: true',
  ),
  note: fc.nat(3),
  /** What is called what, and where it stands: renames, with and without a change of what it says. */
  names: fc.record({
    east: fc.constantFrom('east', 'east', 'orient'),
    /** Below another folder of its kind; the file is called like the document. */
    deeper: fc.constantFrom('', '', 'deeper/'),
    shop: fc.constantFrom('shop', 'shop', 'store'),
    apps: fc.constantFrom('apps', 'apps', 'workloads/all'),
    base: fc.constantFrom('base', 'base', 'shared/base'),
  }),
});
type State = typeof state extends fc.Arbitrary<infer T> ? T : never;

function filesOf({
  fleet,
  east,
  west,
  shop,
  shared,
  base,
  dev,
  own,
  note,
  names,
}: State): Record<string, string> {
  const entry = (who: 'east' | 'west', env: string) =>
    env === 'broken'
      ? BROKEN
      : `${API}\nkind: Cluster\nmetadata: { name: ${who === 'east' ? names.east : who}, labels: { env: ${env} } }\nspec: { agent: { publicKeys: [${KEYS[who]}] }${who === 'west' ? own : ''} }\n`;
  const spec = {
    all: `selector: {}, path: ${names.apps}/prod, values: { optional: { colour: grey } }`,
    prod: `selector: { matchLabels: { env: prod } }, path: ${names.apps}/prod`,
    'by-env': `selector: {}, path: "${names.apps}/{env}"`,
    broken: '',
  }[shop];
  return {
    'flotilla.yaml': fleet === 'valid' ? FLEET : BROKEN,
    ...(east !== 'absent' && { [`clusters/${names.deeper}${names.east}.yaml`]: entry('east', east) }),
    'clusters/west.yaml': entry('west', west),
    [`placements/${names.deeper}${names.shop}.yaml`]:
      shop === 'broken'
        ? BROKEN
        : `${API}\nkind: Placement\nmetadata: { name: ${names.shop} }\nspec: { ${spec} }\n`,
    ...(shared !== 'absent' && {
      'values/prod.yaml': shared === 'broken' ? BROKEN : valuesOf('prod', shared),
    }),
    ...(shared === 'disputed' && { 'values/other.yaml': valuesOf('other', 'green') }),
    [`${names.base}/kustomization.yaml`]: `namePrefix: ${base}-\n`,
    [`${names.apps}/prod/kustomization.yaml`]: `resources: [${posix.relative(`${names.apps}/prod`, names.base)}]\n`,
    ...(dev !== 'absent' && { [`${names.apps}/dev/kustomization.yaml`]: `namePrefix: ${dev}-\n` }),
    'note.md': `${note}`,
  };
}

const valuesOf = (name: string, colour: string) =>
  `${API}\nkind: Values\nmetadata: { name: ${name} }\nspec: { selector: { matchLabels: { env: prod } }, values: { colour: ${colour} } }\n`;

/** Nothing but what single assignments have of their own keeps anything back. */
const isValid = ({ fleet, east, shop, shared, own }: State) =>
  !own.includes('odd') &&
  fleet === 'valid' &&
  east !== 'broken' &&
  shop !== 'broken' &&
  (shared !== 'broken' || shop !== 'all');

/** Who is at fault when documents contradict each other depends on who changed. */
const isDisputed = ({ shared, shop }: State) => shared === 'disputed' && shop === 'all';

async function commitsOf(states: readonly State[], objects = new MemoryObjects()) {
  const commits: Commit[] = [];
  for (const [i, one] of states.entries()) {
    const parents = commits.slice(-1).map(({ oid }) => oid);
    const oid = objects.commit(objects.snapshot(filesOf(one)), parents, `commit ${i}\n`);
    commits.push(await objects.readCommit(oid, never));
  }
  return { objects, commits };
}

const keysOf = ({ rows }: Indexed) =>
  [...rows].flatMap(([cluster, ofCluster]) =>
    [...ofCluster.keys()].map((placement) => [cluster, placement] as const),
  );
const digests = (indexed: Indexed) =>
  Object.fromEntries(
    keysOf(indexed)
      .sort()
      .map(([cluster, placement]) => {
        const row = indexed.rows.get(cluster)!.get(placement)!;
        return [`${cluster}/${placement}`, row.problem ? 'problem' : row.read?.digest];
      }),
  );

test('a valid head means the same whatever came before it, one by one, all at once or not seen at all', async () => {
  const histories = fc
    .array(state, { minLength: 1, maxLength: 8 })
    .filter((states) => isValid(states.at(-1)!) && !isDisputed(states.at(-1)!));
  await fc.assert(
    fc.asyncProperty(histories, async (states) => {
      const { objects, commits } = await commitsOf(states);
      const straight = await new Indexer(objects).begin(commits.slice(-1), never);
      const slow = new Indexer(objects);
      let seen = await slow.begin(commits.slice(0, 1), never);
      for (const commit of commits.slice(1)) seen = await slow.advance([commit], never);
      const late = await new Indexer(objects).begin(commits.toReversed(), never);
      assert.deepEqual(digests(seen), digests(straight));
      assert.deepEqual(digests(late), digests(straight));
      assert.deepEqual([...seen.docs.clusters.keys()].sort(), [...straight.docs.clusters.keys()].sort());
    }),
    { numRuns: 150 },
  );
});

test('a branch that is put elsewhere, back or onto another line, means there what it means to who begins there', async () => {
  const lines = fc.array(state, { minLength: 1, maxLength: 4 });
  const heads = lines.filter((states) => isValid(states.at(-1)!) && !isDisputed(states.at(-1)!));
  await fc.assert(
    fc.asyncProperty(lines, heads, fc.nat(3), async (old, fresh, back) => {
      const objects = new MemoryObjects();
      const [was, is] = [await commitsOf(old, objects), await commitsOf(fresh, objects)];
      const straight = digests(await new Indexer(objects).begin(is.commits.toReversed(), never));
      const indexer = new Indexer(objects);
      await indexer.begin(was.commits.slice(0, 1), never);
      for (const commit of was.commits.slice(1)) await indexer.advance([commit], never);
      await indexer.advance([was.commits[back % was.commits.length]!], never);
      const hops = is.commits.slice(-1 - (back % is.commits.length));
      assert.deepEqual(digests(await indexer.advance(hops, never)), straight);
      assert.deepEqual(
        digests(await indexer.begin(is.commits.toReversed(), never)),
        straight,
        'acknowledged',
      );
    }),
    { numRuns: 150 },
  );
});

test('a version’s revision holds its digest: the one read at its revisions is the one that is told', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(state, { minLength: 1, maxLength: 8 }), async (states) => {
      const { objects, commits } = await commitsOf(states);
      const indexer = new Indexer(objects);
      let indexed = await indexer.begin(commits.slice(0, 1), never);
      for (const commit of commits.slice(1)) indexed = await indexer.advance([commit], never);
      for (const [cluster, placement] of keysOf(indexed) as ['east' | 'orient' | 'west', string][]) {
        const version = versionAt(indexed, cluster, placement);
        if (!version) continue;
        const at = (oid: string) => states[commits.findIndex((commit) => commit.oid === oid)]!;
        // What the agent reads: the entry at its own revision, everything else at the version's.
        const entry = at(version.entryRevision);
        const own = cluster === 'west' ? entry.own : '';
        const there = at(version.revision);
        const names =
          cluster === 'west'
            ? there.names
            : { ...there.names, east: entry.names.east, deeper: entry.names.deeper };
        const who = cluster === 'west' ? 'west' : 'east';
        const read = { ...there, [who]: entry[who], own, names } as State;
        const { objects: others, commits: one } = await commitsOf([read]);
        const alone = await new Indexer(others).begin(one, never);
        assert.equal(
          versionAt(alone, cluster, placement)?.digest,
          version.digest,
          `${cluster}/${placement} at ${JSON.stringify(read)}`,
        );
        assert.ok(
          isValid({
            ...read,
            fleet: at(version.revision).fleet,
            east: cluster === 'west' ? 'absent' : read.east,
          }),
        );
      }
    }),
    { numRuns: 150 },
  );
});

test('a hub that restarts between any two commits goes on as if it had not', async () => {
  const runs = fc.array(fc.tuple(state, fc.boolean()), { minLength: 2, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(runs, async (steps) => {
      const { objects, commits } = await commitsOf(steps.map(([one]) => one));
      const textOf = async (blob: string) => new TextDecoder().decode(await objects.readBlob(blob, never));
      const steady = new Indexer(objects);
      let restarted = new Indexer(objects);
      await steady.begin(commits.slice(0, 1), never);
      await restarted.begin(commits.slice(0, 1), never);
      for (const [i, commit] of commits.entries()) {
        if (i === 0) continue;
        if (steps[i]![1]) {
          const saved = decodeIndex(await encodeIndex(restarted.saved!, textOf));
          restarted = new Indexer(objects);
          await restarted.resume(saved!, never);
        }
        const [a, b] = [await steady.advance([commit], never), await restarted.advance([commit], never)];
        assert.deepEqual(told(b), told(a));
      }
    }),
    { numRuns: 100 },
  );
});

/** Everything that an index says. */
function told(indexed: Indexed) {
  const { docs, lines } = indexed;
  const effective = ({ document, file, revision, invalid }: InForce<unknown>) => [
    document,
    file,
    revision,
    invalid,
  ];
  return {
    problems: problemsOf(indexed),
    versions: keysOf(indexed).map((key) => [...key, versionAt(indexed, ...key)]),
    lines: [...lines].map(([name, { kept, held }]) => [name, kept.map(({ revision }) => revision), held]),
    fleet: docs.fleet && effective(docs.fleet),
    clusters: [...docs.clusters].map(([name, one]) => [
      name,
      effective(one),
      one.enrolledBy,
      one.relabelledAt,
    ]),
    others: [docs.placements, docs.values].map((all) =>
      [...all].map(([name, one]) => [name, effective(one)]),
    ),
    doubts: [docs.valuesInDoubt, docs.unreadable],
  };
}
