import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAULTS } from '../proto/faults.ts';

/** docs/errors.md from the fault catalogue: `npm run docs` writes it, a test proves it equal. */
export function renderErrorsPage(): string {
  const rows = Object.entries(FAULTS).map(
    ([code, [what, remedy]]) => `| \`${code}\` | ${what} | ${remedy} |`,
  );
  return [
    '# Errors',
    '',
    'Every fault that Flotilla reports, in the API, the CLI, logs and status, carries one of these codes. A code never changes its meaning.',
    'This page is generated from `proto/faults/` by `npm run docs`.',
    '',
    '| code | what happened | what to do |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

export function writeErrorsPage(): void {
  writeFileSync(join(import.meta.dirname, '../docs/errors.md'), renderErrorsPage());
}
