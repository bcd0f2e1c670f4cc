import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Status } from '#proto/messages.ts';
import { statusSetHash } from '#proto/status-set.ts';
import { StatusBook } from './status-book.ts';

const at = '2026-01-01T00:00:00Z';
const status = (placement: string, seq: number, more: Partial<Status> = {}): Status => ({
  v: 1,
  cluster: 'east',
  placement,
  seq,
  at,
  epoch: 1,
  attempt: 1,
  sync: { state: 'SYNCED', since: at },
  drift: { state: 'NONE', since: at },
  health: { state: 'CURRENT', since: at },
  counts: { objects: 0, created: 0, configured: 0, unchanged: 0, pruned: 0, skipped: 0, failed: 0 },
  objects: [],
  drifts: [],
  truncated: { objects: 0, drifts: 0 },
  faults: [],
  ...more,
});

const NONE = () => false;
const kept = (book: StatusBook) =>
  [...book.reports].flatMap(([placement, of]) => [...of.keys()].map((name) => `${name}/${placement}`)).sort();

test('the newest status counts, in whatever order they come', () => {
  const book = new StatusBook(NONE);
  assert.deepEqual(
    [3, 1, 3, 4].map((seq) => book.take(status('shop', seq, { attempt: seq }))),
    [true, false, false, true],
  );
  assert.equal(book.reports.get('shop')?.get('east')?.attempt, 4);
});

test('the hash is over the newest statuses without those that say removed, as agents have it', () => {
  const book = new StatusBook(NONE);
  assert.equal(book.hashOf('east'), statusSetHash(new Map()));
  book.take(status('web', 7));
  book.take(status('shop', 3));
  book.take(status('old', 5, { removed: true }));
  assert.equal(
    book.hashOf('east'),
    statusSetHash(
      new Map([
        ['shop', 3],
        ['web', 7],
      ]),
    ),
  );
});

test('a cluster that is let go of leaves nothing', () => {
  const book = new StatusBook(NONE);
  book.take(status('shop', 1));
  book.forget('east');
  assert.deepEqual([[...book.clusters()], book.reports.size], [[], 0]);
});

test('an agent that names ever more placements fills its own bound and nothing else; removed ones make room', () => {
  const book = new StatusBook(NONE, 3);
  for (const [seq, name] of ['a', 'b', 'c', 'd', 'e'].entries()) book.take(status(name, seq));
  book.take({ ...status('a', 0), cluster: 'west' });
  assert.deepEqual(kept(book), ['east/a', 'east/b', 'east/c', 'west/a']);
  assert.equal(book.admits('east', 'd'), false);
  assert.equal(book.take(status('b', 9)), true, 'what is known goes on');
  book.take(status('b', 10, { removed: true }));
  assert.equal(book.take(status('d', 11)), true);
  assert.deepEqual(kept(book), ['east/a', 'east/c', 'east/d', 'west/a']);
});

test('placements that Git names are kept whatever their number, and what an agent makes up is bounded beside them', () => {
  const book = new StatusBook((placement) => placement.startsWith('app-'), 3);
  for (const [seq, name] of ['u', 'app-1', 'app-2', 'app-3', 'v', 'app-4', 'w', 'x', 'app-5'].entries())
    book.take(status(name, seq));
  const named = [1, 2, 3, 4, 5].map((number) => `east/app-${number}`);
  assert.deepEqual(kept(book), [...named, 'east/u', 'east/v', 'east/w']);
});
