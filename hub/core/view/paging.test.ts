import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import fc from '#test/laws.ts';
import { type Order, pageOf } from './paging.ts';

type Row = { id: string; rank: number };
const order = (descending: boolean): Order<Row> => ({
  name: 'rows',
  keys: ({ rank, id }) => [rank, id],
  descending,
});
const rowsOf = fc
  .uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 3 }), fc.integer({ min: 0, max: 4 })), {
    selector: ([id]) => id,
    maxLength: 60,
  })
  .map((list) => list.map(([id, rank]): Row => ({ id, rank })));

/** All rows by following cursors; `between` may change the rows after each page. */
function walk(rows: Row[], first: number, by: Order<Row>, between: (rows: Row[]) => Row[] = (same) => same) {
  const seen: Row[] = [];
  let after: string | undefined;
  for (let current = rows; ; current = between(current)) {
    const page = pageOf(current, by, { first, after });
    seen.push(...page.rows);
    assert.equal(page.hasPreviousPage, after !== undefined && current.length > 0 && page.hasPreviousPage);
    if (!page.hasNextPage) return seen;
    after = page.cursorOf(page.rows.at(-1)!);
  }
}

test('following the cursors gives every row once, in order, whatever order the rows come in', () => {
  fc.assert(
    fc.property(rowsOf, fc.integer({ min: 1, max: 7 }), fc.boolean(), (rows, first, descending) => {
      const sorted = [...rows].sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1));
      assert.deepEqual(walk(rows, first, order(descending)), descending ? sorted.reverse() : sorted);
    }),
  );
});

test('rows that stay as they are are each seen once, while others come, go and move between the pages', () => {
  fc.assert(
    fc.property(rowsOf, rowsOf, fc.integer({ min: 1, max: 7 }), (rows, others, first) => {
      const ids = new Set(rows.map(({ id }) => id));
      const strangers = others.filter(({ id }) => !ids.has(id));
      let turn = 0;
      const seen = walk([...rows, ...strangers], first, order(false), () => {
        turn++;
        const moved = strangers.filter((_, index) => (index + turn) % 3 > 0);
        return [...rows, ...moved.map((row) => ({ ...row, rank: (row.rank + turn) % 5 }))];
      });
      const kept = seen.filter(({ id }) => ids.has(id));
      assert.equal(kept.length, rows.length);
      assert.equal(new Set(kept).size, rows.length);
    }),
  );
});

test('a cursor still works when the row it was made of is gone', () => {
  const rows = ['a', 'b', 'c', 'd'].map((id) => ({ id, rank: 0 }));
  const { cursorOf } = pageOf(rows, order(false), { first: 2 });
  const rest = rows.filter(({ id }) => id !== 'b');
  const page = pageOf(rest, order(false), { first: 2, after: cursorOf(rows[1]!) });
  assert.deepEqual(
    page.rows.map(({ id }) => id),
    ['c', 'd'],
  );
});

test('first outside 1 to 100, a cursor of another order, and what is no cursor are refused', () => {
  const refused = (code: unknown) => code instanceof FlotillaError && code.code === 'hub-refused';
  const rows = [{ id: 'a', rank: 0 }];
  for (const first of [0, -1, 101, 1.5, Number.NaN]) {
    assert.throws(() => pageOf(rows, order(false), { first }), refused);
  }
  const { cursorOf } = pageOf(rows, { ...order(false), name: 'other' }, { first: 1 });
  for (const after of [cursorOf(rows[0]!), '', 'x', '%%%', Buffer.from('{}').toString('base64url')]) {
    assert.throws(() => pageOf(rows, order(false), { first: 1, after }), refused);
  }
});
