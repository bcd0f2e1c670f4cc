import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson } from '#proto/canonical.ts';
import fc from '#test/laws.ts';
import { readCorpus } from '../testing/corpus.ts';
import { type Json, readYaml, YamlFault } from './read.ts';

const one = (text: string): Json => readYaml(text)[0]!.value;

const FAULTS: readonly [what: string, text: string, message: RegExp, line: number, column: number][] = [
  ['a key given twice', 'a: 1\nb: 2\na: 3\n', /"a" is given twice/, 3, 1],
  ['an unknown anchor', 'a: *nobody\n', /unknown anchor nobody|Unresolved alias/, 1, 4],
  ['a list as a key', '? [1, 2]\n: x\n', /key that is no text/, 1, 3],
  ['Infinity', 'a:\n  b: .inf\n', /no form in JSON/, 2, 6],
  ['a number that is tagged so and is none', 'a: !!int many\n', /no !!int/, 1, 10],
  ['a flow that does not end', 'a: [1, 2\n', /./, 2, 1],
  ['a merge of what is no map', '<<: 3\n', /takes a map/, 1, 5],
];

for (const [what, text, message, line, column] of FAULTS) {
  test(`${what} is refused with its place`, () => {
    assert.throws(
      () => readYaml(text),
      (fault) => {
        assert.ok(fault instanceof YamlFault);
        assert.match(fault.message, message);
        assert.deepEqual(fault.at, { line, column });
        return true;
      },
    );
  });
}

test('a stream is read document by document, empty ones as null', () => {
  const values = readYaml('---\na: 1\n---\n---\n- x\n').map((document) => document.value);
  assert.deepEqual(values, [{ a: 1 }, null, ['x']]);
  assert.deepEqual(readYaml(''), []);
});

test('keys are text, whatever they look like', () => {
  assert.deepEqual(one('n: 1\ny: 2\n"yes": 3\n0x10: 4\ntrue: 5\n'), { n: 1, y: 2, yes: 3, 16: 4, true: 5 });
});

test('a member named __proto__ is an ordinary member', () => {
  const value = one('__proto__: {polluted: true}\n') as Record<string, Json>;
  assert.deepEqual(Object.keys(value), ['__proto__']);
  assert.equal((value as { polluted?: boolean }).polluted, undefined);
});

test('quoted scalars and blocks are text, tags are obeyed', () => {
  assert.deepEqual(
    one('a: "0644"\nb: |\n  12\nc: !!str 12\nd: !!binary aGVsbG8=\ne: !!float 3\nf: !own 1\n'),
    {
      a: '0644',
      b: '12\n',
      c: '12',
      d: 'hello',
      e: 3,
      f: '1',
    },
  );
});

test('large integers reach JSON with every digit', () => {
  const text = 'a: 9223372036854775807\nb: 18446744073709551615\nc: 12\n';
  assert.equal(canonicalJson(one(text)), '{"a":9223372036854775807,"b":18446744073709551615,"c":12}');
});

test('an own key wins over a merged one, and the first of several merged maps over the others', () => {
  const text = 'x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz:\n  <<: [*x, *y]\n  a: 0\n';
  assert.deepEqual((one(text) as { z: Json }).z, { a: 0, b: 1, c: 2 });
});

test('an alias means the last anchor of that name before it', () => {
  assert.deepEqual(one('a: &n 1\nb: *n\nc: &n 2\nd: *n\n'), { a: 1, b: 1, c: 2, d: 2 });
});

test('of a key given twice the last counts where that is asked for, as in kustomizations', () => {
  const [document] = readYaml('a: 1\na: 2\n', { lastKeyWins: true });
  assert.deepEqual(document?.value, { a: 2 });
  assert.deepEqual(document?.locate(['a']), { line: 2, column: 4 });
});

test('a value is found again by its path, through lists and aliases', () => {
  const [document] = readYaml('a:\n  - b: &x\n      c: 1\nd: *x\n');
  assert.deepEqual(document?.locate(['a', 0, 'b', 'c']), { line: 3, column: 10 });
  assert.deepEqual(document?.locate(['d', 'c']), { line: 3, column: 10 });
  assert.deepEqual(document?.locate(['a', 7, 'x']), { line: 2, column: 3 });
});

test('an alias bomb, a self-reference and deep nesting are refused at once', { timeout: 60_000 }, () => {
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 12; level++) {
    const aliases = Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ');
    bomb.push(`a${level}: &a${level} [${aliases}]`);
  }
  assert.throws(() => readYaml(bomb.join('\n'), { nodes: 100_000 }), /more than 100000 values/);
  assert.throws(() => readYaml('a: &a\n  b: *a\n'), /nested deeper than 200/);
  assert.throws(() => readYaml(`a: ${'['.repeat(100_000)}`), YamlFault);
  assert.throws(() => readYaml(`${'- '.repeat(100_000)}x`), YamlFault);
  assert.throws(() => readYaml('---\na: 1\n'.repeat(30_000)), /more than 20000 documents/);
  const steps = Array.from({ length: 3_000 }, (_, depth) => `${' '.repeat(depth)}a:`);
  assert.throws(() => readYaml(steps.join('\n')), YamlFault);
  assert.throws(() => readYaml('x'.repeat(100), { bytes: 99 }), /larger than 99 bytes/);
  assert.throws(() => readYaml('---\n1\n---\n2\n---\n3\n', { documents: 2 }), /more than 2 documents/);
});

test('a map of a hundred thousand keys is read in linear time', { timeout: 60_000 }, () => {
  const text = Array.from({ length: 100_000 }, (_, index) => `k${index}: ${index}`).join('\n');
  assert.equal(Object.keys(one(text) as object).length, 100_000);
});

/** A tab in a comment changes nothing, and sends the text to the whole parser. */
const whole = (text: string) => readOr(`#\t\n${text}`);
function readOr(text: string): unknown {
  try {
    return readYaml(text, { blanks: true }).map(({ value }) => value);
  } catch (fault) {
    if (fault instanceof YamlFault) return 'refused';
    throw fault;
  }
}

test('the quick way and the whole parser say the same of every file of the corpus, and of parts of them', () => {
  const texts = readCorpus('YAML is read the same in two ways').flatMap(({ files }) =>
    Object.entries(files).flatMap(([path, text]) =>
      typeof text === 'string' && /ya?ml|ion$/.test(path) ? [text] : [],
    ),
  );
  const line = fc.constantFrom(
    ...new Set(texts.flatMap((text) => text.split('\n')).filter((one) => one.length < 60)),
  );
  for (const text of texts) {
    assert.deepEqual(readOr(text), whole(text), text);
    if (readOr(text) !== 'refused') assert.deepEqual(places(text), places(`#\t\n${text}`, 1), text);
  }
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (lines) => {
      const text = lines.join('\n');
      assert.deepEqual(readOr(text), whole(text), JSON.stringify(text));
    }),
    { numRuns: 3_000 },
  );
});

/** Where every value of the first document stands. */
function places(text: string, above = 0): string[] {
  const [document] = readYaml(text);
  const found: string[] = [];
  const walk = (value: Json, path: (string | number)[]) => {
    const { line, column } = document!.locate(path);
    if (path.length > 0) found.push(`${path.join('.')} ${line - above}:${column}`);
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value))
      walk(inner, [...path, Array.isArray(value) ? Number(key) : key]);
  };
  if (document) walk(document.value, []);
  return found;
}

test('pieces of YAML mean the same to the quick way and to the whole parser', () => {
  const piece = fc.constantFrom(
    ...[
      'a: ',
      'b:',
      '- ',
      '-',
      '  ',
      '    ',
      '\n',
      '\n',
      '\n  ',
      '|',
      '|-',
      '|+',
      '>',
      '"x\\ny"',
      "'it''s'",
      '"a\\"b"',
      '# c',
      ' # c',
    ],
    ...[
      '--x',
      '-1',
      '017',
      '1_0',
      '1.50',
      '2020-01-01',
      '~',
      'null',
      'yes',
      'true',
      '{a: 1}',
      '[x, "y"]',
      '---',
      'x',
      ': ',
      '[',
      '}',
      ',',
    ],
  );
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      assert.deepEqual(readOr(text), whole(text), JSON.stringify(text));
    }),
    { numRuns: 20_000 },
  );
});
