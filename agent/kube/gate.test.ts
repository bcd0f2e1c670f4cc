import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gate } from './gate.ts';

const NEVER = new AbortController().signal;

test('no more than the width are under way, and all have their turn in order', async () => {
  const gate = new Gate(2);
  const done: number[] = [];
  let under = 0;
  const work = (index: number) => async () => {
    assert.ok(++under <= 2);
    await new Promise((resolve) => setImmediate(resolve));
    under--;
    done.push(index);
  };
  await Promise.all([0, 1, 2, 3, 4].map((index) => gate.pass(work(index), NEVER)));
  assert.deepEqual(done, [0, 1, 2, 3, 4]);
});

test('who gives up while waiting takes no turn from anybody', async () => {
  const gate = new Gate(1);
  const first = Promise.withResolvers<void>();
  const running = gate.pass(() => first.promise, NEVER);
  const end = new AbortController();
  const impatient = gate.pass(async () => assert.fail('it has given up'), end.signal);
  const patient = gate.pass(async () => 'done', NEVER);
  end.abort(new Error('enough'));
  await assert.rejects(impatient, /enough/);
  first.resolve();
  assert.equal(await patient, 'done');
  await running;
});

test('what takes too long lets the others pass', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const gate = new Gate(1);
  const hanging = Promise.withResolvers<void>();
  const slow = gate.pass(() => hanging.promise, NEVER);
  const next = gate.pass(async () => 'done', NEVER);
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(2_000);
  assert.equal(await next, 'done');
  hanging.resolve();
  await slow;
  assert.equal(await gate.pass(async () => 'still one at a time', NEVER), 'still one at a time');
});

test('a lull is when nobody has waited for a while, or the end of the patience', async () => {
  const gate = new Gate(1, 30);
  await gate.lull(NEVER);
  const first = Promise.withResolvers<void>();
  const done: string[] = [];
  const running = gate.pass(() => first.promise, NEVER);
  await gate.lull(NEVER);
  const next = gate.pass(async () => done.push('next'), NEVER);
  const lull = gate.lull(NEVER).then(() => done.push('lull'));
  const end = new AbortController();
  const impatient = gate.lull(end.signal).then(() => done.push('impatient'));
  end.abort();
  await impatient;
  const quiet = Date.now();
  first.resolve();
  await Promise.all([running, next]);
  assert.deepEqual(done, ['impatient', 'next']);
  await lull;
  assert.ok(Date.now() - quiet >= 30);
});

test('who gives up makes a lull', async () => {
  const gate = new Gate(1, 30);
  const first = Promise.withResolvers<void>();
  const running = gate.pass(() => first.promise, NEVER);
  const end = new AbortController();
  const waiting = gate.pass(async () => undefined, end.signal);
  const lull = gate.lull(NEVER);
  end.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
  await lull;
  first.resolve();
  await running;
});
