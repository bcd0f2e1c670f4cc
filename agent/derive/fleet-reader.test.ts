import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNkey } from '#proto/nkey.ts';
import { readAtOnce, remembered } from './at-once.ts';
import { FleetReader } from './fleet-reader.ts';
import { Revisions } from './testing/revisions.ts';

const NEVER = new AbortController().signal;
const key = createNkey('user').publicKey;
const FLEET =
  'apiVersion: flotilla.dev/v1alpha1\nkind: Fleet\nmetadata: { name: f }\nspec: { branch: main }\n';
const cluster = (name: string, more = '') =>
  `apiVersion: flotilla.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: { agent: { publicKeys: [${key}] }${more} }\n`;
const placement = (name: string, more = '') =>
  `apiVersion: flotilla.dev/v1alpha1\nkind: Placement\nmetadata: { name: ${name} }\nspec: { selector: {}, path: apps/${name}${more} }\n`;

test('documents are found wherever they stand below their folder, and looked for there first the next time', async () => {
  const objects = new Revisions({
    r1: {
      'flotilla.yaml': FLEET,
      'clusters/eu/west/one.yaml': cluster('one'),
      'clusters/us/two.yaml': cluster('two'),
    },
    r2: {
      'clusters/eu/west/one.yaml': cluster('one', ', suspend: true'),
      'clusters/us/two.yaml': cluster('two'),
    },
  });
  const reader = new FleetReader(objects);
  const first = await reader.cluster('r1', 'one', NEVER);
  assert.equal(first.state === 'valid' && first.file, 'clusters/eu/west/one.yaml');
  objects.reads.length = 0;
  const second = await reader.cluster('r2', 'one', NEVER);
  assert.equal(second.state === 'valid' && second.document.spec.suspend, true);
  assert.ok(!objects.reads.includes('r2:clusters/us'));
  assert.equal((await reader.fleet('r1', NEVER)).state, 'valid');
  assert.equal((await reader.fleet('r2', NEVER)).state, 'absent');
  assert.equal((await reader.placement('r1', 'web', NEVER)).state, 'absent');
});

test('a document that cannot be read is not absent, and neither is a name that two files claim', async () => {
  const reader = new FleetReader(
    new Revisions({
      r1: {
        'placements/web.yaml': 'nonsense: [',
        'clusters/a/one.yaml': cluster('one'),
        'clusters/b/one.yaml': cluster('one'),
      },
    }),
  );
  assert.equal((await reader.placement('r1', 'web', NEVER)).state, 'invalid');
  const twice = await reader.cluster('r1', 'one', NEVER);
  assert.equal(twice.state === 'invalid' && twice.problems[0]?.code, 'document-duplicate');
});

const good = {
  'flotilla.yaml': FLEET,
  'clusters/one.yaml': cluster('one'),
  'placements/web.yaml': placement('web'),
};
const ask = (revisions: Record<string, Record<string, string>>, order: string[], before = NOTHING) =>
  readAtOnce(
    new FleetReader(new Revisions(revisions)),
    { cluster: 'one', publicKey: key, revisions: order, placements: ['web'], before, now: 0 },
    NEVER,
  );
const NOTHING = remembered({ state: 'unknown' }, new Map());

test('what is in force at once is read at the newest revision', async () => {
  const changed = {
    ...good,
    'clusters/one.yaml': cluster('one', ', mode: observe, decommission: prune'),
    'placements/web.yaml': placement('web', ', drift: { mode: report }'),
  };
  const { entry, policies, faults } = await ask({ tip: changed, head: good }, ['tip', 'head']);
  assert.deepEqual(entry, {
    state: 'present',
    revision: 'tip',
    suspend: false,
    observe: true,
    decommission: 'prune',
    hasKey: true,
  });
  assert.equal(policies.get('web')?.drift.mode, 'report');
  assert.deepEqual(faults, []);
});

test('an invalid document is taken from the next revision and told; an absent entry is gone', async () => {
  const broken = { ...good, 'clusters/one.yaml': 'nonsense: [', 'placements/web.yaml': 'x' };
  const from = await ask({ tip: broken, head: good }, ['tip', 'head']);
  assert.equal(from.entry.state === 'present' && from.entry.revision, 'head');
  assert.equal(from.policies.get('web')?.drift.mode, 'correct');
  assert.deepEqual(
    from.faults.map(({ code }) => code),
    ['document-syntax', 'document-invalid'],
  );
  const { 'clusters/one.yaml': _, ...without } = good;
  assert.deepEqual((await ask({ tip: without, head: good }, ['tip', 'head'])).entry, {
    state: 'missing',
    revision: 'tip',
  });
});

test('where nothing can be read, what was known stays in force', async () => {
  const known = await ask({ tip: good }, ['tip']);
  const broken = { 'flotilla.yaml': 'x', 'clusters/one.yaml': 'x', 'placements/web.yaml': 'x' };
  const after = await ask({ later: broken }, ['later'], known);
  assert.deepEqual(after.entry, known.entry);
  assert.deepEqual(after.policies.get('web'), known.policies.get('web'));
});
