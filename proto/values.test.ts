import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveAssignment } from './assignment.ts';
import type { Cluster } from './documents/cluster.ts';
import type { Scalar } from './documents/common.ts';
import type { Fleet } from './documents/fleet.ts';
import type { Placement } from './documents/placement.ts';
import { readDocument, type Sourced } from './documents/read.ts';
import type { SharedValues } from './documents/values.ts';

const apiVersion = 'flotilla.dev/v1alpha1';
const fleet: Fleet = { apiVersion, kind: 'Fleet', metadata: { name: 'acme' }, spec: { branch: 'main' } };
const web: Placement = {
  apiVersion,
  kind: 'Placement',
  metadata: { name: 'web' },
  spec: {
    selector: {},
    path: 'apps/web',
    values: { required: ['domain'], optional: { currency: 'USD', tier: 1 } },
  },
};
const cluster = (spec: Partial<Cluster['spec']> = {}): Cluster => ({
  apiVersion,
  kind: 'Cluster',
  metadata: { name: 'a', labels: { region: 'eu' } },
  spec: { agent: { publicKeys: ['U'] }, ...spec },
});

function shared(name: string, values: Record<string, Scalar>, placement?: string, region = 'eu') {
  const of = placement === undefined ? '' : `placement: ${placement}, `;
  const text = `apiVersion: ${apiVersion}\nkind: Values\nmetadata: { name: ${name} }\nspec: { selector: { matchLabels: { region: ${region} } }, ${of}values: ${JSON.stringify(values)} }`;
  const result = readDocument(`values/${name}.yaml`, text);
  assert.ok('read' in result && result.read.kind === 'Values', JSON.stringify(result));
  return result.read as Sourced<SharedValues>;
}

const resolve = (on: Cluster, values: Sourced<SharedValues>[]) =>
  resolveAssignment(fleet, web, on, {
    values,
    files: { cluster: 'clusters/a.yaml', placement: 'placements/web.yaml' },
  });
function valuesOf(on: Cluster, documents: Sourced<SharedValues>[]) {
  const resolution = resolve(on, documents);
  assert.ok('assignment' in resolution, JSON.stringify(resolution));
  return Object.fromEntries(
    Object.entries(resolution.assignment.values).map(([name, { value, file }]) => [name, [value, file]]),
  );
}
function faultsOf(on: Cluster, documents: Sourced<SharedValues>[]) {
  const resolution = resolve(on, documents);
  assert.ok('faults' in resolution, JSON.stringify(resolution));
  return resolution.faults;
}

test('every layer wins over the one before it, and each value knows its file', () => {
  const domain = { domain: 'a.example' };
  const all = shared('all', { currency: 'EUR', ...domain });
  const own = shared('own', { currency: 'CHF' }, 'web');
  const entry = { values: { currency: 'GBP' } };
  assert.deepEqual(valuesOf(cluster({ values: domain }), []).currency, ['USD', 'placements/web.yaml']);
  assert.deepEqual(valuesOf(cluster(), [all]).currency, ['EUR', 'values/all.yaml']);
  assert.deepEqual(valuesOf(cluster(), [own, all]).currency, ['CHF', 'values/own.yaml']);
  assert.deepEqual(valuesOf(cluster(entry), [own, all]).currency, ['GBP', 'clusters/a.yaml']);
  const most = cluster({ ...entry, placementValues: { web: { currency: 'SEK' } } });
  assert.deepEqual(valuesOf(most, [own, all]).currency, ['SEK', 'clusters/a.yaml']);
});

test('where a value comes from is said in words', () => {
  const resolution = resolve(cluster(), [shared('all', { domain: 'x' })]);
  assert.ok('assignment' in resolution);
  assert.equal(resolution.assignment.values.domain?.from, 'values all in values/all.yaml');
  assert.equal(resolution.assignment.values.tier?.from, 'placement web (optional) in placements/web.yaml');
});

test('values for other clusters, for other placements and of undeclared names never enter', () => {
  const documents = [
    shared('all', { domain: 'x', nobody: 1 }),
    shared('us', { currency: 'MXN' }, undefined, 'us'),
    shared('db', { currency: 'JPY' }, 'db'),
  ];
  assert.deepEqual(Object.keys(valuesOf(cluster(), documents)).sort(), ['currency', 'domain', 'tier']);
  assert.deepEqual(valuesOf(cluster(), documents).currency, ['USD', 'placements/web.yaml']);
});

test('equal rank with different values is a fault that names both files, and with equal values none', () => {
  const [one, two] = [shared('one', { domain: 'x', tier: 1 }), shared('two', { domain: 'y', tier: 1 })];
  const [fault, ...more] = faultsOf(cluster(), [one, two]);
  assert.deepEqual([fault?.code, fault?.variable, more], ['value-conflict', 'domain', []]);
  assert.match(fault!.message, /values\/one\.yaml and another one from values\/two\.yaml/);
  assert.equal(fault!.locate?.().file, 'values/two.yaml');
});

test('what is more specific decides a dispute', () => {
  const [one, two] = [shared('one', { domain: 'x' }), shared('two', { domain: 'y' })];
  assert.deepEqual(valuesOf(cluster(), [one, two, shared('own', { domain: 'z' }, 'web')]).domain, [
    'z',
    'values/own.yaml',
  ]);
  assert.deepEqual(valuesOf(cluster({ values: { domain: 'z' } }), [one, two]).domain, [
    'z',
    'clusters/a.yaml',
  ]);
  assert.equal(
    faultsOf(cluster(), [shared('own', { domain: 'z' }, 'web'), shared('two', { domain: 'y' }, 'web')])[0]
      ?.code,
    'value-conflict',
  );
});

test('a shared document for the placement that sets an undeclared name is a fault for those that it concerns', () => {
  const typo = shared('own', { curency: 'CHF' }, 'web');
  assert.deepEqual(
    faultsOf(cluster({ values: { domain: 'x' } }), [typo]).map(({ code, variable }) => [code, variable]),
    [['value-undeclared', 'curency']],
  );
});
