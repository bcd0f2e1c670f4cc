import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MEASURE = fileURLToPath(new URL('./testing/measure.ts', import.meta.url));
/** The goals are 1 s and 200 MB; a machine that does other things as well is given some more. */
const MOST = { ms: 4_000, mb: 260 };

const HOSTILE: readonly (readonly [name: string, which: string, said: RegExp])[] = [
  ['400,000 documents in a file are refused unread', 'documents', /more than 20000 kinds/],
  ['a list of 400,000 objects is refused unread', 'items', /more than 20000 kinds/],
  ['many patches of many objects are refused', 'patches', /more than 15000 times an object is patched/],
  ['2,000 equal names in as many namespaces are told apart in time', 'names', /^4000 objects$/],
];
for (const [name, which, said] of HOSTILE) {
  test(name, async () => {
    const { stdout } = await run(process.execPath, [MEASURE, which], { timeout: 60_000 });
    const measured = JSON.parse(stdout) as { said: string; ms: number; mb: number };
    assert.match(measured.said, said);
    assert.ok(measured.ms < MOST.ms && measured.mb < MOST.mb, stdout);
  });
}
