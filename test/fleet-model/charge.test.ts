import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assembleFleet, type FleetModel } from '#proto/fleet-model.ts';
import { KEYS, VALID } from '../fixtures/fleets.ts';

const good = assembleFleet(Object.entries(VALID));

/** The fleet after some edits; what was in force before is `VALID`. */
function after(...edits: readonly [file: string, find: string, put?: string][]): FleetModel {
  const files: Record<string, string> = { ...VALID };
  for (const [file, find, put] of edits) {
    const text = files[file] ?? '';
    assert.ok(text.includes(find), `${file} does not hold ${find}`);
    if (put === undefined) delete files[file];
    else files[file] = find === '' ? put : text.replace(find, () => put);
  }
  return assembleFleet(Object.entries(files), good);
}
const errors = ({ problems }: FleetModel) =>
  problems.filter(({ severity }) => severity === 'error').map(({ code, source }) => `${code} ${source.file}`);
const invalid = ({ invalid: { fleet, ...sets } }: FleetModel) => [
  ...(fleet ? ['fleet'] : []),
  ...Object.entries(sets).flatMap(([kind, names]) => [...names].map((name) => `${kind}/${name}`)),
];

test('a vocabulary that old entries do not follow is one invalid Fleet, not many invalid clusters', () => {
  const model = after(['flotilla.yaml', 'ring: {', 'ring: { required: true,']);
  assert.deepEqual(errors(model), ['label-invalid flotilla.yaml']);
  assert.deepEqual(invalid(model), ['fleet']);
  assert.match(
    model.problems[0]!.message,
    /flotilla\.yaml changed, but clusters\/b\.yaml: label ring is required/,
  );
  const dropped = after(['flotilla.yaml', '    region: { pattern: "^(eu|us)$" }\n', '']);
  assert.deepEqual(
    errors(dropped),
    ['label-invalid flotilla.yaml', 'path-variable-unknown flotilla.yaml']
      .slice(0, 1)
      .concat('selector-label-unknown flotilla.yaml'),
  );
  assert.match(dropped.problems[0]!.message, /and 1 more like it/);
});

test('an entry that changed together with the vocabulary is charged itself', () => {
  const model = after(
    ['flotilla.yaml', 'ring: {', 'ring: { required: true,'],
    ['clusters/b.yaml', 'domain: b.example', 'domain: b2.example'],
  );
  assert.deepEqual(errors(model), ['label-invalid clusters/b.yaml']);
  assert.deepEqual(invalid(model), ['clusters/b']);
});

test('of two clusters with one key the new one is charged, whatever its name', () => {
  const thief = VALID['clusters/b.yaml']!.replace('name: b', 'name: 0a').replace(
    KEYS[1]!.publicKey,
    KEYS[0]!.publicKey,
  );
  const model = after(['clusters/0a.yaml', '', thief]);
  assert.deepEqual(errors(model), ['key-duplicate clusters/0a.yaml']);
  assert.deepEqual(invalid(model), ['clusters/0a']);
});

test('a placement that drops a name which entries still set is charged, not they', () => {
  const model = after([
    'placements/web.yaml',
    'optional: { replicas: 2, currency: USD }',
    'optional: { currency: USD }',
  ]);
  assert.deepEqual(errors(model), ['value-undeclared placements/web.yaml']);
  assert.deepEqual(invalid(model), ['placements/web']);
});

test('a placement or strategy that is deleted while others name it stays in force', () => {
  const model = after(['placements/base.yaml', '']);
  assert.deepEqual(invalid(model), ['placements/base']);
  assert.match(
    model.problems[0]!.message,
    /placements\/base\.yaml changed, but placements\/web\.yaml: dependsOn names placement base/,
  );
  assert.equal(model.problems[0]!.source.file, 'placements/web.yaml', 'what is gone has no place');
  assert.deepEqual(invalid(after(['rollouts/standard.yaml', ''])), ['strategies/standard']);
});

test('of a circle only those that closed it are charged', () => {
  const model = after(['placements/base.yaml', 'path:', 'dependsOn: [web]\n  path:']);
  assert.deepEqual(errors(model), ['dependency-cycle placements/base.yaml']);
  assert.deepEqual(invalid(model), ['placements/base']);
});

test('a cluster that is relabelled out of every stage is charged; so is a strategy that drops a stage', () => {
  const rest = '    - { name: rest, selector: {}, maxConcurrent: 50, orderBy: region }\n';
  const partial = { ...VALID, 'rollouts/standard.yaml': VALID['rollouts/standard.yaml']!.replace(rest, '') };
  const relabelled = {
    ...partial,
    'clusters/a.yaml': VALID['clusters/a.yaml']!.replace('ring: canary', 'ring: broad'),
  };
  const before = assembleFleet(Object.entries(partial));
  assert.deepEqual(before.problems, []);
  const model = assembleFleet(Object.entries(relabelled), before);
  assert.deepEqual(errors(model), [
    'cluster-without-stage clusters/a.yaml',
    'cluster-without-stage clusters/a.yaml',
  ]);
  assert.deepEqual(invalid(model), ['clusters/a']);
  const broad = { ...VALID, 'clusters/a.yaml': relabelled['clusters/a.yaml']! };
  const dropped = assembleFleet(Object.entries(relabelled), assembleFleet(Object.entries(broad)));
  assert.deepEqual(invalid(dropped), ['strategies/standard']);
});

test('shared values that disagree stay readable: what they concern does not move, and nothing else stops', () => {
  const model = after([
    'values/all.yaml',
    '',
    VALID['values/eu.yaml']!.replace('name: eu', 'name: all').replace('EUR', 'CHF'),
  ]);
  assert.deepEqual(errors(model), ['value-conflict values/all.yaml']);
  assert.deepEqual([...model.values.keys()].sort(), ['all', 'eu']);
  assert.deepEqual(invalid(model), []);
});

test('a renamed file does not remove what the document says it is', () => {
  const text = VALID['clusters/b.yaml']!;
  const model = after(['clusters/b.yaml', ''], ['clusters/bb.yaml', '', text]);
  assert.deepEqual(invalid(model), ['clusters/bb', 'clusters/b']);
  assert.deepEqual(invalid(after(['clusters/b.yaml', ''], ['clusters/b.yml', '', text])), ['clusters/b']);
  assert.deepEqual(invalid(after(['clusters/b.yaml', ''], ['access/b.yaml', '', text])), [
    'clusters/b',
    'access/b',
  ]);
});

test('what is judged twice is judged the same, and without changes nothing is charged', () => {
  assert.deepEqual(after().problems, []);
  const bad = Object.entries({
    ...VALID,
    'clusters/a.yaml': VALID['clusters/a.yaml']!.replace('env: prod', 'env: prd'),
  });
  assert.deepEqual(assembleFleet(bad).problems, assembleFleet(bad).problems);
});
