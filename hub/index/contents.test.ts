import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Content } from '#rollouts/facts.ts';
import fc from '#test/laws.ts';
import { Contents, Slots } from './contents.ts';

const content = fc.record(
  {
    digest: fc.constantFrom('a', 'b'),
    entryRevision: fc.constantFrom('r1', 'r2'),
    revision: fc.constant('r0'),
  },
  { requiredKeys: ['digest', 'entryRevision'], noNullPrototype: true },
);
const change = fc.tuple(fc.constantFrom('east', 'north', 'west'), fc.option(content, { nil: undefined }));

test('contents are a map, whatever is given to it in whatever order, also on other slots', () => {
  fc.assert(
    fc.property(fc.array(fc.array(change)), fc.array(fc.nat(2)), (steps, others) => {
      const plain = new Map<string, Content>();
      let contents = Contents.of('r1', []);
      for (const [i, changes] of steps.entries()) {
        const before = contents;
        const was = new Map(before);
        for (const [cluster, one] of changes) one ? plain.set(cluster, one) : plain.delete(cluster);
        contents = others[i] === 0 ? contents.with(changes, new Slots()) : contents.with(changes);
        assert.deepEqual(new Map(before), was, 'what was handed out does not change');
      }
      assert.deepEqual(new Map(contents), plain);
      assert.equal(contents.size, plain.size);
      assert.deepEqual(new Set(contents.keys()), new Set(plain.keys()));
      for (const cluster of ['east', 'north', 'west', 'south']) {
        assert.deepEqual(contents.get(cluster), plain.get(cluster));
        assert.equal(contents.has(cluster), plain.has(cluster));
      }
      assert.equal(contents.with(plain), contents, 'nothing differs');
    }),
  );
});

test('contents are equal where every cluster has the same digest, wherever that is read', () => {
  const digests = fc.dictionary(fc.constantFrom('east', 'north', 'west'), fc.constantFrom('a', 'b'));
  fc.assert(
    fc.property(digests, digests, fc.boolean(), (one, other, shared) => {
      const slots = new Slots();
      const of = (from: Record<string, string>, revision: string, on: Slots) =>
        Contents.of(
          revision,
          Object.entries(from).map(([name, digest]) => [name, { digest, entryRevision: 'r' }]),
          on,
        );
      const equal = of(one, 'r', slots).equals(of(other, 'r2', shared ? slots : new Slots()));
      assert.equal(
        equal,
        JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort()),
      );
    }),
  );
});
