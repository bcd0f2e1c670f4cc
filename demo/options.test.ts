import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOptions } from './options.ts';

test('without flags the demo has six clusters', () => {
  assert.deepEqual(readOptions([]), {
    clusters: 6,
    port: undefined,
    dir: undefined,
    keep: false,
    tour: false,
  });
});

for (const [args, says] of [
  [['--clusters', '0'], /--clusters 0: expected a whole number from 1 to 100/],
  [['--clusters', 'six'], /--clusters six/],
  [['--port', '70000'], /--port 70000/],
  [['--tour', '--clusters', '2'], /--tour needs at least 3 clusters/],
  [['--cluster', '2'], /--cluster/],
] as const) {
  test(`${args.join(' ')} is refused in words`, () => {
    assert.throws(() => readOptions(args), says);
  });
}
