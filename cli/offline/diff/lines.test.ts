import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { changedLines, diffLines, withContext } from './lines.ts';

const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });

test('what goes and what is kept is the one text, what comes and what is kept the other; nothing shorter does it', () => {
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      const found = diffLines(before, after);
      const without = (how: string) => found.filter((line) => line.how !== how).map(({ text }) => text);
      assert.deepEqual([without('+'), without('-')], [before, after]);
      const edits = found.filter(({ how }) => how !== ' ').length;
      assert.equal(edits, before.length + after.length - 2 * common(before, after));
    }),
  );
});

test('a line that is replaced counts once, and only what is near is shown', () => {
  const before = Array.from({ length: 20 }, (_, index) => `line ${index}`);
  const after = before.with(10, 'other').toSpliced(15, 0, 'new');
  const found = diffLines(before, after);
  assert.equal(changedLines(found), 2);
  assert.deepEqual(withContext(found, 1), [
    '@@',
    ' line 9',
    '-line 10',
    '+other',
    ' line 11',
    '@@',
    ' line 14',
    '+new',
    ' line 15',
  ]);
  assert.deepEqual(withContext(diffLines(before, before)), []);
});

test('texts that have nothing in common end soon', () => {
  const many = (of: string) => Array.from({ length: 5_000 }, (_, index) => `${of} ${index}`);
  assert.equal(changedLines(diffLines(many('a'), many('b'))), 5_000);
});

/** Length of the longest common subsequence, the slow way. */
function common(a: readonly string[], b: readonly string[]): number {
  const rows = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++)
      rows[i]![j] =
        a[i - 1] === b[j - 1] ? rows[i - 1]![j - 1]! + 1 : Math.max(rows[i - 1]![j]!, rows[i]![j - 1]!);
  return rows[a.length]![b.length]!;
}
