import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Run } from '../state.ts';
import { Behaviour } from './behaviour.ts';
import type { Rule } from './scenario.ts';

const clusters = Array.from({ length: 40 }, (_, i) => ({
  name: `c${String(i).padStart(2, '0')}`,
  labels: { ring: i < 10 ? 'canary' : 'broad' },
}));
const run: Run = {
  revision: 'v2',
  entryRevision: 'v2',
  digest: 'b',
  attempt: 1,
  purpose: 'rollout',
  publishedHub: 0,
  phase: 'published',
};
const of = (rules: Rule[], seed = 1) =>
  new Behaviour(rules, clusters, seed, ({ run: { revision } }, wanted) => revision === wanted);
const play = (behaviour: Behaviour, index: number, sinceMs = 0) =>
  behaviour.play({ cluster: clusters[index]!, placement: 'app', run, now: 0 }, sinceMs);
const failing = (behaviour: Behaviour) =>
  clusters
    .filter((_, index) => play(behaviour, index).some(({ phase }) => phase === 'failed'))
    .map(({ name }) => name);

test('the first rule that matches wins; without one a cluster is Current after 20 s', () => {
  const behaviour = of([
    { name: 'c01', outcome: 'failed', after: '1m', message: 'no' },
    { selector: 'ring=canary', outcome: 'current', after: '30s' },
    { selector: 'ring=canary', outcome: 'failed' },
  ]);
  assert.deepEqual(play(behaviour, 1), [{ afterMs: 60_000, phase: 'failed', message: 'no' }]);
  assert.deepEqual(play(behaviour, 2), [{ afterMs: 30_000, phase: 'current' }]);
  assert.deepEqual(play(behaviour, 20), [{ afterMs: 20_000, phase: 'current' }]);
  assert.deepEqual(play(of([{ outcome: 'slow' }]), 0), [{ afterMs: 300_000, phase: 'current' }]);
});

test('a rule with a revision is for the version of that revision alone', () => {
  const rule: Rule = { name: 'c01', outcome: 'failed', revision: 'v3' };
  assert.deepEqual(failing(of([rule])), []);
  assert.deepEqual(failing(of([{ ...rule, revision: 'v2' }])), ['c01']);
  assert.equal(of([rule]).ofCluster(clusters[1]!), undefined);
});

test('a percentage chooses by the seed, rounded up, among the clusters that the rule means', () => {
  const some: Rule = { percent: 3, outcome: 'failed' };
  assert.equal(failing(of([some])).length, 2);
  assert.deepEqual(failing(of([some], 7)), failing(of([some], 7)));
  const choices = new Set([1, 2, 3, 4, 5].map((seed) => failing(of([some], seed)).join()));
  assert.ok(choices.size > 1);
  const canaries = failing(of([{ percent: 1, selector: 'ring=canary', outcome: 'failed' }]));
  assert.equal(canaries.length, 1);
  assert.ok(canaries[0]! < 'c10');
});

test('degraded is Current, then not, then again; what starts in between is not well from the start', () => {
  const rule: Rule = { outcome: 'degraded', at: '5m', until: '10m' };
  assert.deepEqual(
    play(of([rule]), 0).map(({ afterMs, phase }) => `${afterMs / 1_000} ${phase}`),
    ['20 current', '300 failed', '600 current'],
  );
  assert.deepEqual(
    play(of([rule]), 0, 400_000).map(({ afterMs, phase }) => `${afterMs / 1_000} ${phase}`),
    ['20 failed', '200 current'],
  );
  assert.deepEqual(play(of([rule]), 0, 700_000), [{ afterMs: 20_000, phase: 'current' }]);
});

test('flapping comes and goes, and ends Current', () => {
  const phases = play(of([{ outcome: 'flapping', until: '2m' }]), 0);
  assert.deepEqual(
    phases.map(({ afterMs, phase }) => `${afterMs / 1_000} ${phase}`),
    ['20 current', '50 verifying', '80 current', '110 verifying', '120 current'],
  );
});
