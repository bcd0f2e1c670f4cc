import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outOfReach } from './reach.ts';

const map = (namespace?: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', ...(namespace && { namespace }) },
});

test('an agent that is not confined reaches everything', () => {
  assert.equal(outOfReach(map(), false, undefined), undefined);
  assert.equal(outOfReach(map('apps'), true, undefined), undefined);
});

test('a confined agent reaches its namespaces and nothing else, and says what to grant', () => {
  assert.equal(outOfReach(map('apps'), true, ['apps', 'shop']), undefined);
  assert.match(
    outOfReach(map('web'), true, ['apps', 'shop'])!,
    /confined to apps, shop .*grant the agent a Role/,
  );
  assert.match(outOfReach(map(), false, ['apps'])!, /cluster-scoped.*grant the agent the cluster/);
});
