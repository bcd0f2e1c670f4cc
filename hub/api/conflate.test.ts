import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conflate } from './conflate.ts';

function source<V>() {
  let push: ((key: string, value: V) => void) | undefined;
  const listen = (to: (key: string, value: V) => void) => {
    push = to;
    return () => {
      push = undefined;
    };
  };
  return { listen, push: (key: string, value: V) => push?.(key, value), isHeard: () => push !== undefined };
}
const newest = <V>(_: V, value: V) => value;
const pair = <V>(key: string, value: V) => [key, value] as const;

test('a slow reader loses intermediate values, never the newest, and what waits is bounded by the keys', async () => {
  const { signal } = new AbortController();
  const { listen, push } = source<number>();
  let most = 0;
  const values = conflate(listen, {
    merge: newest,
    signal,
    emit: (key, value, pending) => {
      most = Math.max(most, pending.size);
      return pair(key, value);
    },
  });
  for (let index = 0; index < 100_000; index++) push(`cluster-${index % 10}`, index);
  const read = [];
  for (let index = 0; index < 10; index++) read.push((await values.next()).value);
  assert.deepEqual(
    read,
    Array.from({ length: 10 }, (_, index) => pair(`cluster-${index}`, 99_990 + index)),
  );
  assert.equal(most, 9);
});

test('whoever waits is woken by the next value', async () => {
  const { signal } = new AbortController();
  const { listen, push } = source<number>();
  const values = conflate(listen, { merge: newest, signal, emit: pair });
  const first = values.next();
  const second = values.next();
  push('a', 1);
  push('b', 2);
  assert.deepEqual([(await first).value, (await second).value], [pair('a', 1), pair('b', 2)]);
});

test('ending it wakes whoever waits, stops listening and forgets what was pending', async () => {
  for (const end of ['return', 'abort'] as const) {
    const stop = new AbortController();
    const { listen, push, isHeard } = source<number>();
    const values = conflate(listen, { merge: newest, signal: stop.signal, emit: pair });
    const waiting = values.next();
    if (end === 'return') await values.return!();
    else stop.abort();
    push('a', 1);
    assert.deepEqual(await waiting, { done: true, value: undefined });
    assert.deepEqual(await values.next(), { done: true, value: undefined });
    assert.equal(isHeard(), false);
  }
});

test('an iteration that begins when the hub is stopping already has ended', async () => {
  const { listen, isHeard } = source<number>();
  const values = conflate(listen, { merge: newest, signal: AbortSignal.abort(), emit: pair });
  assert.equal((await values.next()).done, true);
  assert.equal(isHeard(), false);
});

test('values are that far apart at least, and what came in between is one', async () => {
  const { signal } = new AbortController();
  const { listen, push } = source<number>();
  const values = conflate(listen, { merge: newest, least: 50, signal, emit: pair });
  const started = performance.now();
  push('a', 1);
  await values.next();
  push('a', 2);
  push('a', 3);
  assert.deepEqual((await values.next()).value, pair('a', 3));
  assert.ok(performance.now() - started >= 45);
  await values.return!();
});

test('what turns out to be nothing is passed over', async () => {
  const { signal } = new AbortController();
  const { listen, push } = source<number>();
  const emit = (key: string, value: number) => (value % 2 ? pair(key, value) : undefined);
  const values = conflate(listen, { merge: newest, signal, emit });
  push('a', 2);
  push('b', 3);
  assert.deepEqual((await values.next()).value, pair('b', 3));
});
