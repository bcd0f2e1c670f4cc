import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rounds } from './rounds.ts';

const NEVER = new AbortController().signal;

test('what is asked while a round is under way is answered by the next one, together', async () => {
  const rounds: number[][] = [];
  const gate = Promise.withResolvers<void>();
  const made = new Rounds<number, string>(
    () => 'all',
    async (questions) => {
      rounds.push([...questions]);
      await gate.promise;
      return new Map(questions.map((each) => [each, `${each}`]));
    },
  );
  const first = [made.ask(1, NEVER), made.ask(2, NEVER)];
  await new Promise((resolve) => setImmediate(resolve));
  const second = [made.ask(3, NEVER), made.ask(4, NEVER), made.ask(5, NEVER)];
  gate.resolve();
  assert.deepEqual(await Promise.all([...first, ...second]), ['1', '2', '3', '4', '5']);
  assert.deepEqual(rounds, [
    [1, 2],
    [3, 4, 5],
  ]);
});

test('a round that fails fails for those in it, and the next one is tried', async () => {
  let failing = true;
  const made = new Rounds<number, number>(
    () => 'all',
    async (questions) => {
      if (failing) throw new Error('away');
      return new Map(questions.map((each) => [each, each]));
    },
  );
  await assert.rejects(made.ask(1, NEVER), /away/);
  failing = false;
  assert.equal(await made.ask(2, NEVER), 2);
});
