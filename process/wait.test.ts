import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { aborted, Bell, pause, together, untilAll } from './wait.ts';

const NEVER = new AbortController().signal;

test('a bell that was rung before is not waited for, and many rings are one', async () => {
  const bell = new Bell();
  bell.ring();
  bell.ring();
  await bell.wait(60_000, NEVER);
  const started = performance.now();
  await bell.wait(20, NEVER);
  assert.ok(performance.now() - started >= 15);
});

test('a ring, an abort and the end of the time each end the wait', async () => {
  const bell = new Bell();
  const end = new AbortController();
  const rung = bell.wait(Number.POSITIVE_INFINITY, NEVER);
  bell.ring();
  await rung;
  const ended = bell.wait(Number.POSITIVE_INFINITY, end.signal);
  end.abort();
  await ended;
  await pause(60_000, end.signal);
});

test('the first failure ends the others and is thrown when nothing runs any more', async () => {
  let running = 2;
  const patient = async (signal: AbortSignal) => {
    await aborted(signal);
    await pause(10, NEVER);
    running--;
    throw new Error('ended');
  };
  const failing = async () => {
    running--;
    throw new Error('first');
  };
  await assert.rejects(together([patient, failing], NEVER), /first/);
  assert.equal(running, 0);
});

test('works that are ended from outside are no failure', async () => {
  const end = new AbortController();
  const all = together([async (signal) => signal.throwIfAborted(), (signal) => aborted(signal)], end.signal);
  end.abort();
  await all;
});

test('what several wait for ends when the last of them gives up, and leaves nothing at their signals', () => {
  const [one, other] = [new AbortController(), new AbortController()];
  {
    using both = untilAll([one.signal, other.signal]);
    one.abort();
    assert.equal(both.signal.aborted, false);
    other.abort(new Error('enough'));
    assert.equal(both.signal.aborted, true);
  }
  const still = new AbortController();
  const over = untilAll([still.signal]);
  over[Symbol.dispose]();
  assert.equal(getEventListeners(still.signal, 'abort').length, 0);
  still.abort();
  assert.equal(over.signal.aborted, false);
});
