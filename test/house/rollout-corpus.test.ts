import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from './sources.ts';

test('every case of the corpus of rollout behaviours has its row by number: a test, or why there is none', () => {
  const files = globSync('rollouts/corpus-*.test.ts', { cwd: repositoryRoot });
  const text = files.map((file) => readFileSync(join(repositoryRoot, file), 'utf8')).join('\n');
  const rows = [...text.matchAll(/^ {2}([OKF]\d+)(?=[:(])/gm)].map(([, number]) => number!);
  const numbers = [
    ...Array.from({ length: 29 }, (_, index) => `O${index + 1}`),
    ...Array.from({ length: 20 }, (_, index) => `K${index + 1}`),
    ...[16, 17, 18, 19, 20].map((number) => `F${number}`),
  ];
  assert.deepEqual(rows.sort(), numbers.sort());
});
