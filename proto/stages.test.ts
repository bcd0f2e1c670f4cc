import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RolloutStrategy } from './documents/strategy.ts';
import { clustersOf, stageOf, strategyOf } from './stages.ts';

const standard: RolloutStrategy = {
  apiVersion: 'flotilla.dev/v1alpha1',
  kind: 'RolloutStrategy',
  metadata: { name: 'standard' },
  spec: {
    stages: [
      { name: 'staging', selector: { matchLabels: { env: 'staging' } }, after: [{ soak: '1h' }] },
      { name: 'canary', selector: { matchLabels: { ring: 'canary' } }, maxConcurrent: '10%' },
      { name: 'rest', selector: { matchLabels: { env: 'prod' } }, maxConcurrent: 50 },
    ],
    failure: { maxFailed: '2%' },
  },
};

test('a cluster is in the first stage that matches, or in none', () => {
  const { stages } = strategyOf(standard);
  assert.equal(stageOf(stages, { env: 'staging', ring: 'canary' })?.name, 'staging');
  assert.equal(stageOf(stages, { env: 'prod', ring: 'canary' })?.name, 'canary');
  assert.equal(stageOf(stages, { env: 'prod' })?.name, 'rest');
  assert.equal(stageOf(stages, { env: 'dev' }), undefined);
});

test('no strategy is one stage of all, and every default is filled in', () => {
  const { stages, ...rest } = strategyOf(undefined);
  assert.equal(stageOf(stages, {})?.name, 'all');
  assert.deepEqual(rest, {
    name: undefined,
    failure: { maxFailed: { clusters: 0 }, action: 'pause', minCurrent: 1 },
    offline: { afterMs: 600_000, maxShare: 0.2 },
    regressionMs: 7_200_000,
    progressDeadlineMs: 600_000,
    windows: [],
  });
});

test('amounts are numbers, or shares rounded down', () => {
  const { stages, failure } = strategyOf(standard);
  assert.equal(stages[0]!.maxConcurrent, undefined);
  assert.equal(clustersOf(stages[1]!.maxConcurrent!, 49), 4);
  assert.equal(clustersOf(stages[2]!.maxConcurrent!, 10), 50);
  assert.equal(clustersOf(failure.maxFailed, 99), 1);
  assert.equal(clustersOf({ share: 0.07 }, 100), 7);
  assert.equal(clustersOf({ share: 0.29 }, 100), 29);
});
