import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { eachOf, Lanes } from './pool.ts';
import { WorkQueue } from './work-queue.ts';

const SYSTEM = { now: Date.now };

test('no more than the width run at a time, and all are done', async () => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  await eachOf([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    most = Math.max(most, ++running);
    await turn();
    running--;
    done.push(item);
  });
  assert.equal(most, 3);
  assert.deepEqual(done.toSorted(), [1, 2, 3, 4, 5, 6, 7]);
});

test('the first rejection ends it after what runs has ended', async () => {
  const begun: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    await turn();
    if (item === 2) throw new Error('two');
  };
  await assert.rejects(eachOf([1, 2, 3, 4, 5, 6], 2, work), /two/);
  assert.ok(begun.length < 6);
});

test('one lane runs one after the other, and goes on after a failure; lanes do not wait for each other', async () => {
  const lanes = new Lanes();
  const gate = Promise.withResolvers<void>();
  const order: string[] = [];
  const first = lanes.run('a', () => gate.promise);
  const second = lanes.run('a', async () => {
    order.push('a2');
    throw new Error('a2');
  });
  const third = lanes.run('a', async () => order.push('a3'));
  await lanes.run('b', async () => order.push('b'));
  assert.deepEqual(order, ['b']);
  assert.ok(lanes.busy('a') && !lanes.busy('b'));
  gate.resolve();
  await first;
  await assert.rejects(second, /a2/);
  await third;
  assert.deepEqual(order, ['b', 'a2', 'a3']);
  assert.ok(!lanes.busy('a'));
});

test('an item asked for often is worked on once, and once more when asked for meanwhile', async () => {
  const life = new AbortController();
  const gate = Promise.withResolvers<void>();
  const worked: string[] = [];
  const queue = new WorkQueue<string>(
    async (item) => {
      worked.push(item);
      if (worked.length === 1) await gate.promise;
    },
    1,
    SYSTEM,
    life.signal,
  );
  queue.schedule('x');
  queue.schedule('x');
  queue.schedule('x');
  queue.schedule('y');
  assert.deepEqual(worked, ['x']);
  gate.resolve();
  await turn();
  await turn();
  assert.deepEqual(worked, ['x', 'x', 'y']);
  life.abort();
  await queue.ended();
});

test('what is due later comes at its time, the earlier of two wins, and nothing comes after the end', async () => {
  const life = new AbortController();
  const seen = Promise.withResolvers<string[]>();
  const worked: string[] = [];
  const queue = new WorkQueue<string>(
    async (item) => {
      worked.push(item);
      if (worked.length === 2) seen.resolve(worked);
    },
    4,
    SYSTEM,
    life.signal,
  );
  const now = Date.now();
  queue.schedule('late', now + 1_500);
  queue.schedule('early', now + 60_000);
  queue.schedule('early', now + 20);
  const called = new Promise<void>((resolve) => queue.afterwards(now + 100, resolve));
  await called;
  assert.deepEqual(worked, ['early']);
  assert.deepEqual(await seen.promise, ['early', 'late']);
  queue.schedule('never', Date.now() + 10);
  life.abort();
  await queue.ended();
  assert.deepEqual(worked, ['early', 'late']);
});
