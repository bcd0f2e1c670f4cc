import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { NOT_IN_JSON, resolvePlain, type Scalar } from './scalar.ts';

// Each pair was read off `kustomize build` 5.5.0 for an unquoted scalar in a manifest.
const READ: readonly [string, Scalar][] = [
  ['yes', 'yes'],
  ['no', 'no'],
  ['on', 'on'],
  ['y', 'y'],
  ['N', 'N'],
  ['TRUE', true],
  ['False', false],
  ['~', null],
  ['Null', null],
  ['', null],
  ['0644', 420],
  ['-017', -15],
  ['0o17', 15],
  ['0o8', '0o8'],
  ['08', 8],
  ['0x1F', 31],
  ['0x_1', 1],
  ['0b11', 3],
  ['1_000', 1000],
  ['1__0', 10],
  ['1_000.5', 1000.5],
  ['+1', 1],
  ['-0', 0],
  ['-0.0', 0],
  ['1.10', 1.1],
  ['1.', 1],
  ['.5', 0.5],
  ['1e3', 1000],
  ['1e', '1e'],
  ['1e30', 1e30],
  ['1e400', '1e400'],
  ['0.1e-7', 1e-8],
  ['9007199254740991', 9007199254740991],
  ['9007199254740993', 9007199254740993n],
  ['9223372036854775807', 9223372036854775807n],
  ['18446744073709551615', 18446744073709551615n],
  ['99999999999999999999', 1e20],
  ['190:20:30', '190:20:30'],
  ['2020-01-01', '2020-01-01T00:00:00Z'],
  ['2020-01-01T00:00:00Z', '2020-01-01T00:00:00Z'],
  ['2020-13-01', '2020-13-01'],
  ['1.2.3', '1.2.3'],
  ['=', '='],
  ['-', '-'],
  ['latest', 'latest'],
];

for (const [text, expected] of READ) {
  test(`${JSON.stringify(text)} without quotes is ${typeof expected === 'bigint' ? `${expected}n` : JSON.stringify(expected)}`, () => {
    assert.equal(resolvePlain(text), expected);
    assert.ok(!Object.is(resolvePlain(text), -0));
  });
}

test('a date keeps its zone and the digits of its seconds', () => {
  assert.equal(resolvePlain('2001-12-14T21:59:43.100-05:00'), '2001-12-14T21:59:43.1-05:00');
  assert.equal(resolvePlain('2001-1-2 3:4:5'), '2001-01-02T03:04:05Z');
  assert.equal(resolvePlain('2001-02-29'), '2001-02-29');
});

for (const text of ['.inf', '-.INF', '+.Inf', '.nan', '.NaN']) {
  test(`${text} has no form in JSON`, () => assert.equal(resolvePlain(text), NOT_IN_JSON));
}

test('every int64 and uint64 in decimal keeps its value', () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n), (value) => {
      assert.equal(BigInt(resolvePlain(String(value)) as number), value);
    }),
  );
});
