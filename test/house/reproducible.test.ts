import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot, sourceFiles } from './sources.ts';

/** What sets the seed, what only has to differ from what other processes draw, and what is named here. */
const MAY: readonly string[] = ['test/laws.ts', 'test/bed/ports.ts', 'test/house/reproducible.test.ts'];

test('what tests draw at random is the same at every run', () => {
  const drawing = sourceFiles()
    .filter((file) => /\.test\.ts$|(^|\/)testing\/|^test\//.test(file) && !MAY.includes(file))
    .filter((file) =>
      /from 'fast-check'|\bMath\.random\(/.test(readFileSync(join(repositoryRoot, file), 'utf8')),
    );
  assert.deepEqual(drawing, [], 'take fc from #test/laws.ts, and numbers from test/bed/random.ts');
});
