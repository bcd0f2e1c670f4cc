import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Status, status } from '#proto/messages.ts';
import type { PlacementSnapshot } from './engine/ports.ts';
import type { PlacementView } from './placement-ports.ts';
import { PlacementReport } from './report.ts';

const revision = 'a'.repeat(40);
const counts = { created: 0, configured: 0, unchanged: 0, pruned: 0, skipped: 0, failed: 0 };
const view = (change: Partial<PlacementView> = {}): PlacementView => ({
  attempt: 7,
  attempted: { revision, digest: 'd' },
  applied: { revision, digest: 'd' },
  renderHash: 'h',
  terms: { policy: undefined, approvals: [], stopped: undefined, observe: false },
  obstacle: undefined,
  passing: false,
  waiting: undefined,
  starting: false,
  notes: [],
  removing: false,
  removed: false,
  current: true,
  ...change,
});
const snapshot = (change: Partial<PlacementSnapshot> = {}): PlacementSnapshot => ({
  placement: 'web',
  applying: false,
  removed: false,
  objects: [{ id: '/ConfigMap/a/b', apiVersion: 'v1', health: 'CURRENT', assessed: true, drift: 'NONE' }],
  drifts: [],
  corrected: [],
  counts,
  held: undefined,
  handing: new Map(),
  orphans: [],
  faults: [],
  ...change,
});
const build = (v: PlacementView, s?: PlacementSnapshot, now = 0) => new PlacementReport().build(v, s, 3, now);
const valid = (content: object): Status =>
  status.parse({
    v: 1,
    cluster: 'one',
    placement: 'web',
    seq: 1,
    at: '2026-11-22T10:00:00.000Z',
    ...content,
  });

test('what was applied and is named nowhere any more is a problem that names the first of it, and blocks nothing', () => {
  const orphans = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `/ConfigMap/shop/${name}`);
  const without = build(view(), snapshot()).content;
  const { faults, ...content } = build(view(), snapshot({ orphans })).content;
  assert.deepEqual({ ...content, faults: [] }, without);
  assert.deepEqual(
    faults.map(({ code }) => code),
    ['object-orphaned'],
  );
  assert.match(
    faults[0]!.message,
    /^ConfigMap\/shop\/a, .*, ConfigMap\/shop\/e and 2 more: applied for placement web/,
  );
});

test('what runs as wanted is a valid status that says so on every axis', () => {
  const { content, lookAgainAt } = build(view(), snapshot());
  const told = valid(content);
  assert.deepEqual(
    [told.sync.state, told.drift.state, told.health.state, told.epoch, told.attempt],
    ['SYNCED', 'NONE', 'CURRENT', 3, 7],
  );
  assert.equal(lookAgainAt, undefined);
});

test('what is kept for another placement is named, with who is to have it, also while everything is removed', () => {
  const handing = new Map([
    ['/ConfigMap/a/two', 'shop'],
    ['/ConfigMap/a/one', 'shop'],
  ]);
  const reason = 'keeps ConfigMap/a/one (and 1 more) until placement shop has taken it over';
  const { sync } = build(view(), snapshot({ handing })).content;
  assert.deepEqual([sync.state, sync.reason], ['SYNCED', reason]);
  const removal = build(view({ removing: true, current: false }), snapshot({ handing })).content.sync;
  assert.deepEqual([removal.state, removal.reason], ['APPLYING', reason]);
  const gone = build(view({ removing: true, removed: true }), snapshot()).content.sync;
  assert.equal(gone.reason, undefined);
});

test('what the engine says about the version before is not told of a new attempt', () => {
  const failing = snapshot({ faults: [{ code: 'object-conflict', message: 'taken' }] });
  assert.equal(build(view(), failing).content.sync.state, 'FAILED');
  assert.equal(build(view({ starting: true, current: false }), failing).content.sync.state, 'PENDING');
});

test('an API server that is away is waited for, and no failure of the version', () => {
  const away = snapshot({ faults: [{ code: 'kube-unreachable', message: 'no answer' }] });
  assert.deepEqual(build(view({ current: false }), away).content.sync.state, 'PENDING');
});

test('what does not become Current within health.timeout fails by itself, and a new attempt has the whole time', () => {
  const waiting = snapshot({
    objects: [
      {
        id: 'apps/Deployment/a/b',
        apiVersion: 'apps/v1',
        health: 'IN_PROGRESS',
        assessed: true,
        drift: 'NONE',
      },
    ],
  });
  const report = new PlacementReport();
  const first = report.build(view(), waiting, 1, 1_000);
  assert.equal(first.content.health.state, 'IN_PROGRESS');
  assert.equal(first.lookAgainAt, 301_000);
  assert.equal(report.build(view(), waiting, 1, 301_000).content.health.state, 'FAILED');
  report.restart();
  assert.equal(report.build(view({ attempt: 8 }), waiting, 1, 301_001).content.health.state, 'IN_PROGRESS');
});

test('what is removed says so and names no version that runs', () => {
  const told = valid(build(view({ removed: true, current: false }), undefined).content);
  assert.deepEqual(
    [told.removed, told.applied, told.sync.state, told.health.state],
    [true, undefined, 'SYNCED', 'CURRENT'],
  );
});

test('before anything is known nothing is claimed', () => {
  const told = valid(
    build(view({ applied: undefined, attempted: undefined, current: false }), undefined).content,
  );
  assert.deepEqual([told.sync.state, told.drift.state, told.health.state], ['PENDING', 'UNKNOWN', 'UNKNOWN']);
});
