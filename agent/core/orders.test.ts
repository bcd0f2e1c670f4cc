import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { Placement } from '#proto/documents/placement.ts';
import { FlotillaError } from '#proto/faults.ts';
import type { DesiredPayload } from '#proto/messages.ts';
import fc from '#test/laws.ts';
import { type Dependent, waitsFor } from './order.ts';
import { ordersOf } from './orders.ts';
import { confirmRemoval, type RemovalFacts } from './removal.ts';

const oid = (letter: string) => letter.repeat(40);
const assignment = (placement: string) => ({
  placement,
  revision: oid('a'),
  entryRevision: oid('a'),
  digest: 'd',
  attempt: 1,
});
const payload = (assigned: string[], removed: string[]): DesiredPayload => ({
  cluster: 'one',
  epoch: 1,
  issuedAt: '2026-11-22T10:00:00.000Z',
  head: oid('a'),
  assignments: assigned.map(assignment),
  removed: removed.map((placement) => ({ placement, revision: oid('b') })),
});

test('absence never removes: only an explicit order does, and an assignment wins over it', () => {
  const names = fc.uniqueArray(fc.constantFrom<string>('a', 'b', 'c', 'd', 'e'));
  fc.assert(
    fc.property(names, names, names, (assigned, removed, present) => {
      const orders = ordersOf(payload(assigned, removed), present);
      for (const [name, order] of orders) {
        if (assigned.includes(name)) assert.equal(order.type, 'assigned');
        else if (removed.includes(name)) assert.equal(order.type, 'removed');
        else assert.equal(order.type, 'vanished');
      }
      assert.deepEqual(new Set(orders.keys()), new Set([...assigned, ...removed, ...present]));
    }),
  );
  assert.deepEqual(ordersOf(undefined, ['a']).get('a'), { type: 'vanished' });
});

const entry = (labels: Record<string, string>, decommission?: 'orphan' | 'prune'): Cluster => ({
  apiVersion: 'flotilla.dev/v1alpha1',
  kind: 'Cluster',
  metadata: { name: 'one', labels },
  spec: { agent: { publicKeys: ['U'] }, ...(decommission && { decommission }) },
});
const document: Placement = {
  apiVersion: 'flotilla.dev/v1alpha1',
  kind: 'Placement',
  metadata: { name: 'web' },
  spec: { selector: { matchLabels: { env: 'prod' } }, path: 'apps/web' },
};
const facts = (change: Partial<RemovalFacts>): RemovalFacts => ({
  placement: 'web',
  cluster: 'one',
  revision: oid('b'),
  applied: oid('a'),
  newer: true,
  fleet: true,
  entry: entry({ env: 'prod' }),
  document: 'absent',
  ...change,
});

test('a removal is confirmed where the placement is gone, does not select the cluster, or the entry says decommission', () => {
  assert.equal(confirmRemoval(facts({})), 'prune');
  assert.equal(confirmRemoval(facts({ document, entry: entry({ env: 'dev' }) })), 'prune');
  assert.equal(confirmRemoval(facts({ document, entry: entry({ env: 'prod' }, 'prune') })), 'decommission');
  assert.equal(confirmRemoval(facts({ document, entry: entry({ env: 'prod' }, 'orphan') })), 'orphan');
  assert.equal(confirmRemoval(facts({ applied: undefined, newer: false })), 'prune');
});

const unconfirmed: [string, Partial<RemovalFacts>][] = [
  ['the placement still selects the cluster', { document }],
  ['the placement cannot be read', { document: 'invalid' }],
  ['the entry is gone', { entry: 'absent' }],
  ['the entry cannot be read', { entry: 'invalid' }],
  ['the repository cannot be read as a fleet', { fleet: false }],
  ['what runs is not older', { newer: false }],
];
for (const [why, change] of unconfirmed) {
  test(`a removal is refused where ${why}`, () => {
    assert.throws(
      () => confirmRemoval(facts(change)),
      (error) => error instanceof FlotillaError && error.code === 'removal-not-in-git',
    );
  });
}

test('a first installation waits for what is not ready, and for nobody in its own circle', () => {
  const all = new Map<string, Dependent>([
    ['platform', { dependsOn: [], ready: false }],
    ['web', { dependsOn: ['platform', 'elsewhere'], ready: false }],
    ['a', { dependsOn: ['b'], ready: false }],
    ['b', { dependsOn: ['a'], ready: false }],
  ]);
  assert.deepEqual(waitsFor('web', all), ['platform']);
  assert.deepEqual(waitsFor('a', all), []);
  assert.deepEqual(waitsFor('web', new Map([...all, ['platform', { dependsOn: [], ready: true }]])), []);
});

test('whatever depends on whatever, somebody may always start', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const graph = fc.tuple(
    ...names.map(() => fc.record({ dependsOn: fc.subarray(names), ready: fc.boolean() })),
  );
  fc.assert(
    fc.property(graph, (dependents) => {
      const all = new Map(names.map((name, index) => [name, dependents[index]!]));
      const pending = names.filter((name) => !all.get(name)!.ready);
      if (pending.length > 0) assert.ok(pending.some((name) => waitsFor(name, all).length === 0));
    }),
  );
});
