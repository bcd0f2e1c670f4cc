import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FAULTS } from '#proto/faults.ts';
import { renderErrorsPage } from '../../scripts/errors-page.ts';
import { repositoryRoot, sourceFiles } from './sources.ts';

const page = readFileSync(join(repositoryRoot, 'docs/errors.md'), 'utf8');

test('docs/errors.md is what the fault catalogue generates', () => {
  assert.equal(page, renderErrorsPage(), 'run: npm run docs');
});

test('every code of the page is in the catalogue and the other way round', () => {
  const documented = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code);
  assert.deepEqual(documented, Object.keys(FAULTS));
});

test('no code stands in two places of the catalogue', () => {
  const codes = sourceFiles()
    .filter((file) => file.startsWith('proto/faults/'))
    .flatMap((file) => [
      ...readFileSync(join(repositoryRoot, file), 'utf8').matchAll(/^ {2}'?([a-z-]+)'?: \[/gm),
    ])
    .map(([, code]) => code);
  assert.deepEqual(codes.sort(), Object.keys(FAULTS).sort());
});

test('every code of the catalogue can happen: some source names it', () => {
  const sources = sourceFiles()
    .filter((file) => !file.startsWith('proto/faults/') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(repositoryRoot, file), 'utf8'))
    .join('\n');
  const never = Object.keys(FAULTS).filter((code) => !sources.includes(`'${code}'`));
  assert.deepEqual(never, []);
});
