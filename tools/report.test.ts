import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ToolEvent } from './events.ts';
import { reportTo } from './report.ts';

const trying: ToolEvent = { kind: 'trying', tool: 'etcd', version: '3.6.16', text: 'Go build' };
const step = (packages: number): ToolEvent => ({
  kind: 'step',
  tool: 'etcd',
  text: `${packages} packages compiled`,
});

function record(isTTY: boolean) {
  const written: string[] = [];
  const clock = { now: 0 };
  const output = { isTTY, columns: 40, write: (text: string) => written.push(text) };
  return { written, clock, progress: reportTo(output, () => clock.now) };
}

test('a log gets a step at most every 15 seconds', () => {
  const { written, clock, progress } = record(false);
  progress(trying);
  for (let second = 1; second <= 40; second++) {
    clock.now = second * 1000;
    progress(step(second));
  }
  assert.deepEqual(written, [
    'tools: etcd 3.6.16: Go build …\n',
    'tools: etcd: 15 packages compiled, 15 s\n',
    'tools: etcd: 30 packages compiled, 30 s\n',
  ]);
});

test('a terminal gets every step in place, never wider than it is, and lines stay readable', () => {
  const { written, progress } = record(true);
  progress(trying);
  progress(step(1));
  progress({ kind: 'passed', tool: 'etcd', text: 'no' });
  const text = written.join('');
  assert.ok(text.endsWith('\r\x1b[Ktools: etcd: no\n'));
  for (const line of text.split(/[\r\n]/)) assert.ok(line.replace('\x1b[K', '').length < 40, line);
});
