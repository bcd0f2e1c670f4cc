import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ELSEWHERE } from '../apply/part-b-elsewhere.ts';
import { repositoryRoot } from './sources.ts';

test('every case of the corpus of apply behaviours has a test by its number, or a line saying why it has none', () => {
  const files = globSync('test/apply/part-b-*.test.ts', { cwd: repositoryRoot });
  const text = files.map((file) => readFileSync(join(repositoryRoot, file), 'utf8')).join('\n');
  const tested = new Set([...text.matchAll(/^test\('B(\d+): /gm)].map(([, number]) => Number(number)));
  const missing = Array.from({ length: 40 }, (_, index) => index + 1).filter(
    (number) => !tested.has(number) && ELSEWHERE[number] === undefined,
  );
  assert.deepEqual(missing, []);
});
