import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, PATIENCE_MS } from '#test/bed/eventually.ts';
import { isHalted } from '#test/bed/halted.ts';
import { createMark, MARK_POINT } from './markers.ts';

const MODULE = join(import.meta.dirname, 'markers.ts');

/** A process that passes one, two, two, three. */
function passing(directory: string, options: { stopAt?: string; pauseAt?: string }) {
  const file = join(directory, 'passed');
  const code = `import { createMark } from ${JSON.stringify(MODULE)};
    const mark = createMark(${JSON.stringify({ file, ...options })});
    for (const name of ['one', 'two', 'two', 'three']) mark(name);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: 'ignore' });
  return { child, ended: once(child, 'exit'), passed: () => readFileSync(file, 'utf8').trim().split('\n') };
}

function inDirectory(work: (directory: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const directory = mkdtempSync(join(tmpdir(), 'flotilla-marks-'));
    try {
      await work(directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  };
}

test(
  'a process that is to stop at the second time ends there as by kill -9, and passes nothing more',
  inDirectory(async (directory) => {
    const { ended, passed } = passing(directory, { stopAt: 'two:2' });
    assert.deepEqual(await ended, [null, 'SIGKILL']);
    assert.deepEqual(passed(), ['one', 'two', 'two']);
  }),
);

test(
  'a process that is to pause halts right there, and goes on when it is told to',
  inDirectory(async (directory) => {
    const { child, ended, passed } = passing(directory, { pauseAt: 'one' });
    const halted = async () => ((await isHalted(child.pid)) ? true : undefined);
    await eventually('the halt', halted, PATIENCE_MS, new AbortController().signal);
    assert.deepEqual(passed(), ['one']);
    child.kill('SIGCONT');
    assert.deepEqual(await ended, [0, null]);
    assert.deepEqual(passed(), ['one', 'two', 'two', 'three']);
  }),
);

test('where nothing was asked for nothing happens, and a point is a name with or without a number', () => {
  createMark({ file: undefined, stopAt: undefined, pauseAt: undefined })('anything');
  for (const good of ['state-saved', 'published:2']) assert.match(good, MARK_POINT);
  for (const bad of ['', 'two:0', 'two:', 'Two', 'two:1:1']) assert.doesNotMatch(bad, MARK_POINT);
});
