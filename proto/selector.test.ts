import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { FlotillaError } from './faults.ts';
import { formatSelector, type Labels, matches, mismatch, parseSelector } from './selector.ts';

const prod: Labels = { env: 'prod', region: 'eu', ring: 'early' };

for (const [text, expected] of [
  ['', true],
  ['env=prod', true],
  ['env==prod', true],
  ['env=dev', false],
  ['env!=dev', true],
  ['legacy!=yes', true],
  ['region in (eu, us)', true],
  ['region notin (eu,us)', false],
  ['tier notin (db)', true],
  ['legacy in ()', false],
  ['ring', true],
  ['!ring', false],
  ['!legacy', true],
  ['env=prod,region in (eu,us),!legacy', true],
  ['env=prod,region in (ap)', false],
] as const) {
  test(`${JSON.stringify(text)} ${expected ? 'selects' : 'does not select'} env=prod,region=eu,ring=early`, () => {
    assert.equal(matches(parseSelector(text), prod), expected);
  });
}

for (const text of [
  'env=',
  'a b',
  'env in prod',
  'in (a)',
  'env=prod,,x',
  'env=(a)',

  '=x',
  '!',
  'env>1',
]) {
  test(`${JSON.stringify(text)} is ${text === 'env=' ? 'the empty value' : 'refused, naming the part that is wrong'}`, () => {
    if (text === 'env=') assert.equal(matches(parseSelector(text), { env: '' }), true);
    else {
      assert.throws(
        () => parseSelector(text),
        (error) => error instanceof FlotillaError && error.code === 'selector-invalid',
      );
    }
  });
}

test('a mismatch says what is wanted and what is there', () => {
  assert.equal(mismatch({ matchLabels: { env: 'dev' } }, prod), 'wants env=dev, has env=prod');
  assert.equal(
    mismatch({ matchExpressions: [{ key: 'tier', operator: 'Exists' }] }, prod),
    'wants tier, has no label tier',
  );
});

test('a label named like a member of Object is only there when it is set', () => {
  assert.equal(matches(parseSelector('constructor'), {}), false);
  assert.equal(matches(parseSelector('toString=x'), { toString: 'x' } as unknown as Labels), true);
});

test('formatting and parsing again selects the same', () => {
  const key = fc.constantFrom('env', 'region', 'app.kubernetes.io/name');
  const value = fc.constantFrom('a', 'b', 'c');
  const one = fc.oneof(
    fc.record({
      key,
      operator: fc.constantFrom('In' as const, 'NotIn' as const),
      values: fc.array(value, { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
  );
  fc.assert(
    fc.property(fc.array(one, { maxLength: 4 }), fc.dictionary(key, value), (matchExpressions, labels) => {
      const selector = { matchExpressions };
      assert.equal(matches(parseSelector(formatSelector(selector)), labels), matches(selector, labels));
    }),
  );
});
