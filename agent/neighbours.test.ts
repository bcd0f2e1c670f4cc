import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Neighbours } from './neighbours.ts';

const NEVER = new AbortController().signal;

test('who is alone in not knowing does not wait for itself', async () => {
  const neighbours = new Neighbours();
  await neighbours.known('a', NEVER);
  neighbours.note('a', true);
  await neighbours.known('a', NEVER);
});

test('all wait until the last one knows, and an abort ends the wait', async () => {
  const neighbours = new Neighbours();
  for (const name of ['a', 'b', 'c']) neighbours.note(name, true);
  const passed: string[] = [];
  const waiting = ['a', 'b'].map((name) => neighbours.known(name, NEVER).then(() => passed.push(name)));
  const end = new AbortController();
  const impatient = neighbours.known('d', end.signal);
  end.abort(new Error('enough'));
  await assert.rejects(impatient, /enough/);
  neighbours.note('a', false);
  neighbours.note('b', false);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(passed, []);
  neighbours.note('c', false);
  await Promise.all(waiting);
  assert.deepEqual(passed, ['a', 'b']);
});
