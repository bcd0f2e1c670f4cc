import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { Indexer, problemsOf } from './indexer.ts';

const API = 'apiVersion: flotilla.dev/v1alpha1';

test('rules of access are in force, and nothing is said against them', async () => {
  const { signal } = new AbortController();
  const objects = new MemoryObjects();
  const files = {
    'flotilla.yaml': `${API}\nkind: Fleet\nmetadata: { name: acme }\nspec: { branch: main }\n`,
    'access/people.yaml': `${API}\nkind: Access\nmetadata: { name: people }\nspec: { rules: [{ groups: [oncall], permissions: [approve] }] }\n`,
  };
  const oid = objects.commit(objects.snapshot(files), [], 'rules\n', 1_700_000_000);
  const indexed = await new Indexer(objects).begin([await objects.readCommit(oid, signal)], signal);
  assert.equal(indexed.model.access.size, 1);
  assert.deepEqual(problemsOf(indexed), []);
});
