import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { SUITES } from '../suites.ts';
import { repositoryRoot, sourceFiles } from './sources.ts';

test('every test file is run by exactly one suite of npm test', () => {
  const runs = Object.values(SUITES).flatMap(({ globs }) =>
    globs.flatMap((glob) => globSync(glob, { cwd: repositoryRoot })),
  );
  const tests = sourceFiles().filter((file) => file.endsWith('.test.ts'));
  assert.ok(tests.length > 100);
  assert.deepEqual([...runs].sort(), [...tests].sort());
});
