import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { TokenBucket } from './rate-limit.ts';

test('in any stretch of time no more pass than the burst and the rate allow', () => {
  const gaps = fc.array(fc.nat(500), { maxLength: 200 });
  fc.assert(
    fc.property(gaps, (between) => {
      const bucket = new TokenBucket({ perSecond: 10, burst: 5 });
      let now = 1;
      let passed = 0;
      for (const gap of between) {
        now += gap;
        if (bucket.take(now)) passed++;
      }
      assert.ok(passed <= 5 + ((now - 1) / 1000) * 10 + 1e-6);
    }),
  );
});

test('a clock that goes back gives nothing away and takes nothing away for long', () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 1 });
  assert.deepEqual(
    [10_000, 5_000, 6_000, 11_000].map((now) => bucket.take(now)),
    [true, false, false, true],
  );
});
