import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serialize } from 'node:v8';
import { Contents, Slots } from './contents.ts';
import { trimmed } from './history.ts';
import type { Kept } from './kept.ts';
import { decodeIndex } from './saved/decode.ts';

const slots = new Slots();
/** A version for each letter: its digest on the only cluster; its number is its place, name and author. */
const kept = (digests: string): Kept =>
  [...digests].map((digest, at) => ({
    revision: `r${at}`,
    at,
    authors: [`a${at}`],
    contents: Contents.of(`r${at}`, [['east', { digest, entryRevision: `r${at}` }]], slots),
    source: undefined,
  }));
const told = (versions: Kept) =>
  versions.map(({ revision, authors }) => `${revision} ${authors.join('+')}`).join(', ');

test('the newest eight versions are kept, and all that are wanted', () => {
  const all = kept('abcdefghijkl');
  const names = (versions: Kept) => versions.map(({ at }) => at);
  assert.deepEqual(names(trimmed(all)), [4, 5, 6, 7, 8, 9, 10, 11]);
  assert.deepEqual(names(trimmed(all, new Set(['r1', 'r7']))), [1, 4, 5, 6, 7, 8, 9, 10, 11]);
  const few = kept('abcdefgh');
  assert.equal(trimmed(few), few, 'the same array');
});

test('of neighbours that have become equal the first stays, or all that are wanted', () => {
  assert.equal(told(trimmed(kept('aab'))), 'r0 a0, r2 a1+a2');
  assert.equal(told(trimmed(kept('abb'))), 'r0 a0, r1 a1');
  assert.equal(told(trimmed(kept('abbc'), new Set(['r2']))), 'r0 a0, r2 a1+a2, r3 a3');
  assert.equal(told(trimmed(kept('abb'), new Set(['r1', 'r2']))), 'r0 a0, r1 a1, r2 a2');
});

test('who wrote between two versions that are kept is told with the later one', () => {
  const versions = trimmed(kept('abcdefghijkl'), new Set(['r1']));
  assert.equal(told(versions.slice(0, 2)), 'r1 a1, r4 a2+a3+a4');
});

test('an index that another version has saved is no cache', () => {
  assert.equal(decodeIndex(serialize({ format: 1 })), undefined);
});
