import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { RecentlyUsed } from './recently-used.ts';

test('it never holds more than its capacity, and what it holds is the newest value', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.integer({ min: 1, max: 4 }), fc.boolean())), (steps) => {
      const map = new RecentlyUsed<{ weight: number }>(8, ({ weight }) => weight);
      const newest = new Map<string, { weight: number }>();
      for (const [name, weight, isRead] of steps) {
        if (isRead) assert.ok([undefined, newest.get(name)].includes(map.get(name)));
        else {
          const value = { weight };
          newest.set(name, value);
          map.set(name, value);
          assert.equal(map.get(name), value);
        }
        // Looking moves and drops values, but brings none back: what is found was held.
        const held = [...newest].filter(([one, value]) => map.get(one) === value);
        assert.ok(held.reduce((sum, [, { weight: one }]) => sum + one, 0) <= 8);
      }
    }),
  );
});

test('what is used again and again stays while others pass through', () => {
  const map = new RecentlyUsed<number>(8);
  map.set('kept', 1);
  for (let index = 0; index < 100; index++) {
    map.set(`other ${index}`, index);
    assert.equal(map.get('kept'), 1);
  }
  assert.equal(map.get('other 0'), undefined);
});

test('a value that outweighs half of the capacity is not kept, nor what it replaced', () => {
  const map = new RecentlyUsed<number>(8, (weight) => weight);
  map.set('a', 4);
  map.set('a', 5);
  assert.equal(map.get('a'), undefined);
});
