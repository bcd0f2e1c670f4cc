import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type InventoryEntry, inventoryId } from '#proto/inventory.ts';
import fc from '#test/laws.ts';
import { OWNER_LABEL } from './managed-fields.ts';
import { type KubeObject, type ObjectMeta, objectId } from './object.ts';
import {
  bareSetHash,
  conflictMessage,
  entryOf,
  findConflicts,
  guardPrune,
  pruneSetHash,
  pruneStep,
  staleEntries,
  writeAhead,
} from './plan.ts';
import { Wants } from './wants.ts';

const configMap = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'shop' },
});
const idOf = (name: string) => objectId(configMap(name));
const applied = (name: string, uid = `uid-${name}`): InventoryEntry => ({
  ...entryOf(configMap(name)),
  state: 'applied',
  uid,
  fieldsHash: 'h',
});
const intended = (name: string): InventoryEntry => entryOf(configMap(name));
const live = (owner: string | undefined, more: Partial<ObjectMeta> = {}): ObjectMeta => ({
  name: '',
  uid: 'uid-a',
  resourceVersion: '1',
  labels: owner === undefined ? {} : { [OWNER_LABEL]: owner },
  ...more,
});

const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'));
const inventory = fc
  .tuple(names, fc.boolean())
  .map(([all, firstIntended]) =>
    all.map((name, index) => (index === 0 && firstIntended ? intended(name) : applied(name))),
  );

test('writing ahead keeps everything, adds what is new, and the second time there is nothing to write', () => {
  fc.assert(
    fc.property(inventory, names, (held, wanted) => {
      const desired = wanted.map(configMap);
      const ahead = writeAhead(held, desired);
      const after = ahead ?? held;
      assert.deepEqual(after.slice(0, held.length), held);
      const ids = new Set(after.map(inventoryId));
      assert.ok(desired.every((object) => ids.has(objectId(object))));
      assert.ok(after.slice(held.length).every(({ state }) => state === 'intended'));
      assert.equal(writeAhead(after, desired), undefined);
    }),
  );
});

const NOBODY = new Wants();
function wanting(placement: string, ...of: string[]): Wants {
  const wants = new Wants();
  wants.set(placement, new Set(of.map(idOf)));
  return wants;
}

test('nothing is ever deleted that the inventory does not name, is wanted, or does not carry our label and uid', () => {
  const liveness = fc.option(
    fc.record({
      owner: fc.option(fc.constantFrom('shop', 'other'), { nil: undefined }),
      uid: fc.constantFrom('uid-a', 'uid-b', 'uid-c', 'else'),
      paused: fc.boolean(),
    }),
    { nil: undefined },
  );
  fc.assert(
    fc.property(
      inventory,
      names,
      fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), liveness),
      (held, wanted, lives) => {
        const wants = new Set(wanted.map(idOf));
        for (const entry of staleEntries(held, wants)) {
          assert.ok(held.includes(entry) && !wants.has(inventoryId(entry)));
          const state = lives[entry.name];
          const annotations = state?.paused ? { 'flotilla.dev/prune': 'disabled' } : {};
          const meta = state && live(state.owner, { uid: state.uid, annotations });
          const step = pruneStep('shop', entry, meta, NOBODY, true);
          if (step.type !== 'delete') continue;
          assert.ok(state && state.owner === 'shop' && !state.paused);
          assert.equal(step.uid, state.uid);
          assert.ok(entry.state === 'intended' || entry.uid === state.uid);
        }
      },
    ),
  );
});

test('each reason to leave a stale object alone is its own', () => {
  const table: [string, ReturnType<typeof pruneStep>][] = [
    ['already gone', pruneStep('shop', applied('a'), undefined, NOBODY, true)],
    ['it no longer carries our owner label', pruneStep('shop', applied('a'), live(undefined), NOBODY, true)],
    ['its owner label names placement other', pruneStep('shop', applied('a'), live('other'), NOBODY, true)],
    [
      'another object has taken the name since',
      pruneStep('shop', applied('a', 'old'), live('shop'), NOBODY, true),
    ],
    [
      'already being deleted',
      pruneStep('shop', applied('a'), live('shop', { deletionTimestamp: 'x' }), NOBODY, true),
    ],
    ['the placement does not prune', pruneStep('shop', applied('a'), live('shop'), NOBODY, false)],
    [
      'its annotations keep it from being pruned',
      pruneStep(
        'shop',
        applied('a'),
        live('shop', { annotations: { 'argocd.argoproj.io/sync-options': 'Prune=false' } }),
        NOBODY,
        true,
      ),
    ],
  ];
  for (const [why, step] of table) assert.equal(step.type === 'leave' ? step.why : step.type, why);
  assert.equal(pruneStep('shop', intended('a'), live('shop'), NOBODY, true).type, 'delete');
});

test('what another placement wants is never deleted, and stays in the inventory until that one has written it', () => {
  const wanted = wanting('other', 'a');
  const kept = pruneStep('shop', applied('a'), live('shop'), wanted, true);
  assert.equal(kept.type === 'keep' && kept.heir, 'other');
  assert.equal(pruneStep('shop', applied('a'), live('other'), wanted, true).type, 'leave');
  assert.equal(pruneStep('shop', applied('a'), undefined, wanted, true).type, 'leave');
  assert.equal(pruneStep('shop', applied('a'), live('shop'), NOBODY, true).type, 'delete');
});

test('pruning goes backwards', () => {
  const deployment: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'w', namespace: 'shop' },
  };
  const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
  const kinds = staleEntries([namespace, configMap('a'), deployment].map(entryOf), new Set()).map(
    ({ kind }) => kind,
  );
  assert.deepEqual(kinds, ['Deployment', 'ConfigMap', 'Namespace']);
});

test('claims: label, tool and rival are conflicts; what was let go is handed over', () => {
  const conflicts = (input: Partial<Parameters<typeof findConflicts>[0]>) =>
    findConflicts({
      placement: 'shop',
      desired: [configMap('a')],
      inventory: [],
      live: new Map(),
      wants: NOBODY,
      adopt: [],
      ...input,
    }).map(({ claimedBy }) => claimedBy);
  const wants = wanting('other', 'a');
  const wantsNot = wanting('other');
  const at = (meta: ObjectMeta) => new Map([[idOf('a'), meta]]);
  assert.deepEqual(conflicts({}), []);
  assert.deepEqual(conflicts({ live: at(live('shop')), wants }), []);
  assert.deepEqual(conflicts({ live: at(live('other')), wants }), ['placement other']);
  assert.deepEqual(conflicts({ live: at(live('other')) }), ['placement other']);
  assert.deepEqual(conflicts({ live: at(live('other')), wants: wantsNot }), []);
  assert.deepEqual(conflicts({ wants }), ['placement other']);
  assert.deepEqual(conflicts({ wants, inventory: [applied('a')] }), []);
  const argo = live(undefined, {
    annotations: { 'argocd.argoproj.io/tracking-id': 'app:/ConfigMap:shop/a' },
  });
  assert.deepEqual(conflicts({ live: at(argo) }), ['Argo CD (app)']);
  assert.deepEqual(conflicts({ live: at(argo), adopt: ['argo'] }), []);
  const flux = live(undefined, { labels: { 'kustomize.toolkit.fluxcd.io/name': 'k' } });
  assert.deepEqual(conflicts({ live: at(flux), adopt: ['argo'] }), ['Flux (k)']);
  assert.equal(
    conflictMessage('shop', [{ id: idOf('a'), claimedBy: 'placement other' }]),
    'ConfigMap/shop/a is claimed by placement other, wanted by placement shop',
  );
  assert.equal(
    conflictMessage('shop', [{ id: idOf('a'), claimedBy: 'Flux (apps)', tool: 'flux' }]),
    'ConfigMap/shop/a is claimed by Flux (apps), wanted by placement shop; `adopt: [flux]` in the placement takes them over',
  );
});

test('the guard holds more than its share, always lets three pass, and never lets a Namespace, claim or CRD go by itself', () => {
  const entries = (count: number) => Array.from({ length: count }, (_, index) => applied(`n${index}`));
  const guard = (deleted: InventoryEntry[], size: number, more = {}) =>
    guardPrune(deleted, size, { maxPrune: 0.3, approved: new Set(), goesOn: true, ...more });
  assert.equal(guard(entries(3), 4), undefined);
  assert.equal(guard(entries(30), 100), undefined);
  assert.match(guard(entries(31), 100)!.reason, /31 of 100 objects would be deleted, more than 30%/);
  assert.equal(guard(entries(100), 100, { goesOn: false }), undefined);
  const namespace = { ...applied('shop'), kind: 'Namespace', namespace: '' };
  const held = guard([namespace], 100, { goesOn: false })!;
  assert.match(held.reason, /Namespace\/shop/);
  const wanted = new Set([
    '/ConfigMap/shop/a',
    'apps/Deployment/shop/b',
    '/ConfigMap/else/c',
    '/Namespace//else',
  ]);
  assert.equal(
    guardPrune([namespace], 10, { maxPrune: 1, approved: new Set(), goesOn: true, wanted })?.reason,
    'deleting Namespace/shop needs approval and would take along 2 of the objects that Git wants',
  );
  assert.equal(guard([namespace], 100, { approved: new Set([held.setHash]) }), undefined);
  assert.equal(guard([namespace], 100, { approved: new Set([bareSetHash(held.ids)]) }), undefined);
  assert.equal(guard([{ ...namespace, group: 'example.com' }], 100), undefined);
});

test('the hash of a set is the same on every cluster and in every order', () => {
  fc.assert(fc.property(names, (ids) => assert.equal(pruneSetHash(ids), pruneSetHash([...ids].reverse()))));
  assert.match(pruneSetHash(['a']), /^p[0-9a-f]{15}$/);
});
