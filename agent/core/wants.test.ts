import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { Wants } from './wants.ts';

test('a rival is another placement that is to have the object, whatever was wanted before', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const id = fc.constantFrom('1', '2', '3');
  const step = fc.record({ name, ids: fc.option(fc.uniqueArray(id), { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const wants = new Wants();
      const model = new Map<string, Set<string>>();
      for (const { name, ids } of steps) {
        if (ids === undefined) {
          wants.delete(name);
          model.delete(name);
        } else {
          wants.set(name, new Set(ids));
          model.set(name, new Set(ids));
        }
      }
      for (const asker of ['a', 'b', 'c']) {
        assert.deepEqual(wants.get(asker), model.get(asker));
        for (const each of ['1', '2', '3']) {
          const rival = wants.rival(asker, each);
          const rivals = [...model].filter(([who, ids]) => who !== asker && ids.has(each));
          assert.equal(rival === undefined, rivals.length === 0);
          if (rival !== undefined) assert.ok(rivals.some(([who]) => who === rival));
        }
      }
    }),
  );
});

test('who is not known wants nothing, and says so by being undefined', () => {
  const wants = new Wants();
  assert.equal(wants.get('a'), undefined);
  assert.equal(wants.of('a').size, 0);
  wants.set('a', new Set());
  assert.deepEqual(wants.get('a'), new Set());
});
