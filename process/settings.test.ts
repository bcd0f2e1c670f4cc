import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { readSettings } from './settings.ts';

const count = z.coerce.number().pipe(z.int('not a whole number'));
const SETTINGS = {
  name: { schema: z.string().min(3, 'is too short'), help: 'who it is' },
  'log-level': { schema: z.enum(['info', 'debug']), fallback: 'info' },
  count: { schema: count },
};
const read = (argv: string[], env: Record<string, string> = {}) =>
  readSettings(SETTINGS, argv, env, ['name']);

test('a flag wins over its variable, a variable over the fallback, and an empty variable counts as none', () => {
  assert.deepEqual(read(['--name', 'east', '--log-level=debug'], { FLOTILLA_NAME: 'west' }), {
    name: 'east',
    'log-level': 'debug',
  });
  const env = { FLOTILLA_NAME: 'west', FLOTILLA_LOG_LEVEL: '', FLOTILLA_COUNT: '3' };
  assert.deepEqual(read([], env), { name: 'west', 'log-level': 'info', count: 3 });
});

test('all that is wrong is named at once, by the flag or variable that it came from', () => {
  const wrong = (argv: string[], env: Record<string, string>, message: string) =>
    assert.throws(() => read(argv, env), { code: 'config-invalid', message });
  wrong(
    ['--name', 'x'],
    { FLOTILLA_COUNT: '1.5' },
    '--name: is too short\nFLOTILLA_COUNT: not a whole number',
  );
  wrong([], {}, 'FLOTILLA_NAME (--name) is missing: who it is');
  assert.throws(() => read(['--nam', 'x']), { code: 'config-invalid', message: /--nam/ });
});
