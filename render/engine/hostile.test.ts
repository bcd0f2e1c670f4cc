import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MEASURE = fileURLToPath(new URL('./testing/measure.ts', import.meta.url));
/** Of all threads, from the call on: a second of CPU where nothing else runs, and half as much again for what shares its caches. */
const MOST = { ms: 1_500, mb: 200 };

const HOSTILE: readonly (readonly [name: string, which: string, said: RegExp])[] = [
  ['400,000 documents in a file are refused unread', 'documents', /more than 20000 kinds/],
  ['a list of 400,000 objects is refused unread', 'items', /more than 20000 kinds/],
  ['many patches of many objects are refused', 'patches', /more than 15000 times an object is patched/],
  ['8,000 equal names in as many namespaces are told apart in time', 'names', /^16000 objects$/],
  ['as much as the slow reader takes is read in time', 'slow', /^1 objects$/],
  ['more than the slow reader takes is refused unread', 'slower', /more than 75000 lines/],
  ['a marker at the end needs no slow reader', 'marker', /^2000 objects$/],
];
for (const [name, which, said] of HOSTILE) {
  test(name, async (context) => {
    const { stdout } = await run(process.execPath, [MEASURE, which], { timeout: 60_000 });
    const measured = JSON.parse(stdout) as { said: string; ms: number; mb: number };
    assert.match(measured.said, said);
    context.diagnostic(stdout);
    assert.ok(measured.ms < MOST.ms && measured.mb < MOST.mb, stdout);
  });
}
