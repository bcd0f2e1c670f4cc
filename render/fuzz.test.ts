import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from './testing/fuzz.ts';

test('mutated cases of the corpus render to the same with the engine and with kustomize, or both refuse', async () => {
  const { counts, differences } = await fuzz(7, 250);
  assert.deepEqual(differences, []);
  if (counts.rendered > 0) assert.ok(counts.rendered > 80, JSON.stringify(counts));
});
