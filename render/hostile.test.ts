import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { Attempt } from './testing/hostile/attempt.ts';
import { HOSTILE } from './testing/hostile/cases.ts';

const ATTEMPT = join(import.meta.dirname, 'testing/hostile/attempt.ts');
/** Of the thread: a second where nothing else runs, and half as much again for what shares its caches. */
const MOST_MS = 1_500;
const MOST_MB = 200;

for (const { what, refused } of Object.values(HOSTILE)) {
  test(`${what} costs little and is ${refused ? 'refused' : 'harmless'}`, async (context) => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', ATTEMPT, what], {
      timeout: 60_000,
    });
    const { said, code, ms, mb } = JSON.parse(stdout) as Attempt;
    context.diagnostic(`${Math.round(ms)} ms, ${Math.round(mb)} MB, ${code ?? 'rendered'}`);
    if (refused) assert.match(said ?? '', refused);
    assert.notEqual(code === undefined && said !== undefined, true, said);
    assert.ok(ms <= MOST_MS, `took ${Math.round(ms)} ms`);
    assert.ok(mb <= MOST_MB, `grew by ${Math.round(mb)} MB`);
  });
}
