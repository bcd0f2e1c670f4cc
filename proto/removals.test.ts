import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import fc from '#test/laws.ts';
import { approvingCommit, needsApproval, removalSetHash } from './removals.ts';

const names = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`);
const shop = removalSetHash('shop', names(11));

test('the name of a set is text in YAML, the same in any order, and another one for every other set', () => {
  assert.match(shop, /^r[0-9a-f]{15}$/);
  const sets = fc.uniqueArray(fc.constantFrom(...names(12)), { minLength: 1 });
  fc.assert(
    fc.property(sets, sets, (one, other) => {
      const same = one.toSorted().join() === other.toSorted().join();
      assert.equal(removalSetHash('shop', one) === removalSetHash('shop', other), same);
    }),
  );
});

test('what waits for an approval goes on waiting when more leave, and when more left before', () => {
  const count = fc.nat(200);
  fc.assert(
    fc.property(count, count, count, count, fc.double({ min: 0, max: 1, noNaN: true }), (...picked) => {
      const [leaving, left, others, more, most] = picked;
      const of = leaving + left + others + more;
      const departure = { leaving, left, staying: others + more, of };
      if (!needsApproval(departure, most, false)) return;
      const further = { ...departure, leaving: leaving + more, staying: others };
      assert.ok(needsApproval(further, most, false));
      assert.ok(leaving === 1 || needsApproval({ ...departure, left: left + more }, most, false));
      assert.ok(needsApproval(departure, most, true));
    }),
  );
});

test('the item of an approving commit is YAML that names the set, and the placement where that is gone', () => {
  const now = Date.parse('2026-11-20T12:00:00Z');
  const here = approvingCommit('shop', 'placements/shop.yaml', shop, now);
  assert.deepEqual(parse(here.item), { removal: shop, until: '2026-11-27' });
  assert.equal(here.path, 'placements/shop.yaml');
  const gone = approvingCommit('shop', undefined, shop, now);
  assert.deepEqual(parse(gone.item), { placement: 'shop', removal: shop, until: '2026-11-27' });
  assert.equal(gone.path, 'flotilla.yaml');
});
