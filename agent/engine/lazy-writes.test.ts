import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aborted } from '#process/wait.ts';
import { LazyWrites } from './lazy-writes.ts';

type Around = { lazily: LazyWrites; written: string[]; end: AbortController };

/** Time stands two seconds after everything that is asked for. */
function open(write: (placement: string) => void, lull = async (_: AbortSignal) => undefined): Around {
  const end = new AbortController();
  const written: string[] = [];
  let now = 0;
  const lazily = new LazyWrites({
    clock: { now: () => (now += 2_000) },
    life: end.signal,
    lull,
    async write(placement) {
      write(placement);
      written.push(placement);
    },
  });
  return { lazily, written, end };
}

const turns = () => new Promise((resolve) => setTimeout(resolve, 5));

test('what is asked for often is written once, when others have had their turn', async () => {
  const quiet = Promise.withResolvers<undefined>();
  const { lazily, written, end } = open(
    () => undefined,
    () => quiet.promise,
  );
  for (const name of ['a', 'b', 'a', 'b']) lazily.ask(name);
  await turns();
  assert.deepEqual(written, []);
  quiet.resolve(undefined);
  await lazily.ended();
  assert.deepEqual(written, ['a', 'b']);
  lazily.ask('a');
  await lazily.ended();
  assert.deepEqual(written, ['a', 'b', 'a']);
  end.abort();
});

test('what fails is tried again, and keeps nobody else from being written', async () => {
  let failures = 2;
  const { lazily, written } = open((placement) => {
    if (placement === 'a' && failures-- > 0) throw new Error('away');
  });
  lazily.ask('a');
  lazily.ask('b');
  await lazily.ended();
  assert.deepEqual(written, ['b', 'a']);
});

test('at the end everything is written at once, and nothing after it', async () => {
  const { lazily, written, end } = open(
    () => undefined,
    async (signal) => {
      await aborted(signal);
    },
  );
  lazily.ask('a');
  lazily.ask('b');
  await turns();
  await lazily.flush(end.signal);
  assert.deepEqual(written, ['a', 'b']);
  end.abort();
  await lazily.ended();
  lazily.ask('c');
  await lazily.ended();
  assert.deepEqual(written, ['a', 'b']);
});
