import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Due } from './due.ts';

test('keys are worked on when they are due, the earliest wish counts, and those of one moment share a turn', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000 });
  const done: string[] = [];
  const due = new Due((key) => done.push(`${key} ${Date.now()}`));
  due.at('a', 1_000);
  t.mock.timers.tick(0);
  assert.deepEqual(done, ['a 1000']);
  due.at('b', 1_000);
  due.at('c', 1_500);
  due.at('c', 1_010);
  due.at('d', 1_400);
  due.at('d', 1_600);
  t.mock.timers.tick(20);
  assert.deepEqual(done.splice(0), ['a 1000', 'b 1020', 'c 1020']);
  assert.equal(due.has('d'), true);
  t.mock.timers.tick(380);
  assert.deepEqual(done.splice(0), ['d 1400']);
});

test('what is taken out is not worked on, and at the end nothing is left', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000 });
  const done: string[] = [];
  const due = new Due((key) => done.push(key));
  due.at('a', 2_000);
  due.at('b', 2_000);
  due.delete('a');
  due.close();
  t.mock.timers.tick(5_000);
  assert.deepEqual(done, ['b']);
  assert.equal(due.has('b'), false);
});
