import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Slots } from './slots.ts';

const full = (most: number) => new Error(`more than ${most} are waiting`);
const { signal } = new AbortController();

test('no more than the given number runs at once, and the others follow in order', async () => {
  const slots = new Slots(2, 100, full);
  let running = 0;
  let most = 0;
  const started: number[] = [];
  const work = (index: number) => async () => {
    started.push(index);
    most = Math.max(most, ++running);
    await setImmediate();
    running--;
    return index;
  };
  const results = await Promise.all(Array.from({ length: 9 }, (_, index) => slots.run(work(index), signal)));
  assert.equal(most, 2);
  assert.deepEqual(started, results);
});

test('who waits can give up, and a slot is free again after a failure', async () => {
  const slots = new Slots(1, 1, full);
  const first = Promise.withResolvers<void>();
  const running = slots.run(() => first.promise, signal);
  const controller = new AbortController();
  const waiting = slots.run(async () => 'never', controller.signal);
  await assert.rejects(
    slots.run(async () => 'too many', signal),
    /more than 1 are waiting/,
  );
  controller.abort(new Error('gave up'));
  await assert.rejects(waiting, /gave up/);
  first.reject(new Error('broken'));
  await assert.rejects(running, /broken/);
  assert.equal(await slots.run(async () => 'again', signal), 'again');
});
