import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from './testing/hub.ts';
import { inTheOpen } from './token.ts';

const TOKEN = `flotilla_ann_${'x'.repeat(43)}`;

test('a token that leaves the machine over plain http is warned of, and no other', () => {
  for (const url of [
    'http://hub.example',
    'http://user:secret@10.0.0.7:8080/base',
    'http://localhost.example',
    'http://0.0.0.0',
    'http://[2001:db8::1]:8080',
    'http://127.example',
  ])
    assert.match(inTheOpen(url) ?? '', /^the token goes to \S+ over plain http, .*: use https$/, url);
  assert.ok(!inTheOpen('http://user:secret@10.0.0.7')?.includes('secret'));
  for (const url of [
    'https://hub.example',
    'http://127.0.0.1:8080',
    'http://127.1.2.3',
    'http://2130706433',
    'http://localhost:8080',
    'http://hub.localhost',
    'http://[::1]:8080',
    'http://[::ffff:127.0.0.1]',
  ])
    assert.equal(inTheOpen(url), undefined, url);
});

test('the warning comes once, on stderr, and stops nothing; without a token there is none', async () => {
  const away = 'http://0.0.0.0:1';
  const told = await run(away, ['get', 'clusters', '-l', 'env=prod'], { FLOTILLA_TOKEN: TOKEN });
  assert.equal(told.stdout, '');
  assert.equal(told.stderr.match(/over plain http/g)?.length, 1, told.stderr);
  assert.match(
    told.stderr,
    /^the token goes to 0\.0\.0\.0:1 over plain http.*\nflotilla: hub .* does not answer/,
  );
  assert.ok(!told.stderr.includes('xxx'));
  const quiet = await run(away, ['get', 'clusters']);
  assert.doesNotMatch(quiet.stderr, /plain http/);
});
