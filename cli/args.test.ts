import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import { type Flags, GLOBAL_FLAGS, readFlags, splitVerb } from './args.ts';

const FLAGS: Flags = {
  ...GLOBAL_FLAGS,
  output: { short: 'o', value: 'FORMAT', choices: ['table', 'json'], describe: '' },
  selector: { short: 'l', value: 'SELECTOR', describe: '' },
  cluster: { value: 'NAME', multiple: true, describe: '' },
  watch: { short: 'w', describe: '' },
};

test('flags are read in every form that kubectl knows', () => {
  for (const argv of [
    ['-o', 'json', '-w', 'a'],
    ['-ojson', 'a', '--watch'],
    ['a', '-wo', 'json'],
    ['--output=json', '-w', '--', 'a'],
  ]) {
    const { positionals, switches, values } = readFlags(argv, FLAGS);
    assert.deepEqual([positionals, [...switches], values.get('output')], [['a'], ['watch'], ['json']]);
  }
});

test('a flag that may be repeated keeps all values, another the last', () => {
  const { values } = readFlags(['--cluster', 'a', '--cluster=b', '-l', 'x', '-l', 'y'], FLAGS);
  assert.deepEqual([values.get('cluster'), values.get('selector')], [['a', 'b'], ['y']]);
});

for (const [argv, message] of [
  [['--outptu', 'json'], 'unknown flag --outptu; did you mean --output?'],
  [['-x'], 'unknown flag -x'],
  [['--toString'], 'unknown flag --toString'],
  [['-o'], '-o needs a value: FORMAT'],
  [['--output='], '--output needs a value: FORMAT'],
  [['-o', 'jsn'], '-o jsn is not one of table, json; did you mean json?'],
  [['--watch=yes'], '--watch takes no value'],
] as const) {
  test(`${argv.join(' ')} is refused: ${message}`, () => {
    assert.throws(
      () => readFlags(argv, FLAGS),
      (error) => error instanceof FlotillaError && error.code === 'usage' && error.message === message,
    );
  });
}

test('the verb is the first word, and --hub may stand before it', () => {
  assert.deepEqual(splitVerb(['--hub', 'http://x', 'get', 'clusters']), {
    verb: 'get',
    rest: ['--hub', 'http://x', 'clusters'],
  });
  assert.deepEqual(splitVerb(['--help']), { verb: undefined, rest: ['--help'] });
});
