import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { readCorpus } from '../testing/corpus.ts';
import { openOracle } from '../testing/oracle.ts';
import { compareKeys } from './key-order.ts';
import { type Json, readYaml } from './read.ts';
import { writeYaml } from './write.ts';

const read = (text: string) => readYaml(text).map(({ value }) => value);

/** Text with all that is special in YAML, and words that mean something else without quotes. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom(...' ab1:#-?,[]{}&*!|>\'"%@`\\\n\t~.=/<'), maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('word', ' ', '  ', "'", ': ', '\\', 'ü'), minLength: 20, maxLength: 60 }),
  fc.constantFrom(
    'yes',
    'No',
    'on',
    'y',
    'null',
    '~',
    '',
    '017',
    '0o17',
    '08',
    '1_000',
    '0x1F',
    '.5',
    '1e3',
    '+1',
  ),
  fc.constantFrom(
    '190:20:30',
    '2020-01-01',
    '2020-01-01T00:00:00Z',
    '.inf',
    '.nan',
    '-',
    '--- a',
    '...',
    '<<',
    '= a',
  ),
  fc.constantFrom(
    'a\n',
    'a\n\n',
    '\n',
    '\n\na',
    ' a\n b',
    'a \nb',
    'a\n b\n\n  c',
    '\u2028',
    '\ufeffa',
    '\u0085',
    '😀 a',
  ),
);
const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  fc
    .bigInt(-(2n ** 63n), 2n ** 64n - 1n)
    .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)),
);
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
}));

test('what is written is read again as the same values', () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 3 }), (documents) => {
      assert.deepEqual(
        JSON.stringify(read(writeYaml(documents)), plain),
        JSON.stringify(sorted(documents), plain),
      );
    }),
    { numRuns: 500 },
  );
});

const plain = (_: string, member: unknown) => (typeof member === 'bigint' ? Number(member) : member);
/** Keys in the order in which they are written, so that whole texts can be compared. */
function sorted(item: Json): Json {
  if (Array.isArray(item)) return item.map(sorted);
  if (typeof item !== 'object' || item === null) return item;
  return Object.fromEntries(
    Object.keys(item)
      .sort(compareKeys)
      .map((key) => [key, sorted(item[key]!)]),
  );
}

test('the corpus is written byte for byte as kustomize prints it', () => {
  for (const { name, expected } of readCorpus('YAML is written as kustomize prints it'))
    if (expected !== undefined) assert.equal(writeYaml(read(expected)), expected, name);
});

test('any values are written byte for byte as kustomize prints them', async () => {
  const ask = await openOracle();
  const head = { apiVersion: 'example.com/v1', kind: 'Any' };
  // kustomize refuses nulls in lists, prints merge keys, and stumbles over controls and byte order marks in its own JSON; line separators are not written as there.
  const spec = fc
    .sample(value, { numRuns: 400, seed: 5 })
    .filter(
      (one) =>
        !/[[,]null|"<<":|[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/.test(JSON.stringify(one, plain)),
    );
  const objects = spec.map((one, index): Json => ({ ...head, metadata: { name: `n${index}` }, spec: one }));
  const json = (one: Json) =>
    JSON.stringify(one, (_, member) => (typeof member === 'bigint' ? `<${member}>` : member))
      .replace(/"<(-?\d+)>"/g, '$1')
      .replace(/[^ -~]/gu, (letter) => `\\U${letter.codePointAt(0)!.toString(16).padStart(8, '0')}`);
  const told = await ask({
    'kustomization.yaml': 'resources: [all.yaml]',
    'all.yaml': objects.map(json).join('\n---\n'),
  });
  assert.equal(told.refused, undefined);
  const written = (told as { text: string }).text.split('\n---\n');
  const own = writeYaml((told as { objects: Json[] }).objects).split('\n---\n');
  for (const [index, document] of own.entries()) assert.equal(document, written[index]);
});

test('lists stand at the indent of their key, keys are sorted as people count', () => {
  const written = writeYaml([
    { a10: 1, a2: [{ b: [[1, 2], []] }, 'x\n'], c: {}, d: null, e: 'yes', f: 0.1e-6 },
    7,
  ]);
  assert.equal(
    written,
    'a2:\n- b:\n  - - 1\n    - 2\n  - []\n- |\n  x\na10: 1\nc: {}\nd: null\ne: "yes"\nf: 1e-07\n---\n7\n',
  );
});
