import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ImageRule, setImage, splitImage } from './images.ts';

const ROWS: readonly [image: string, rule: ImageRule, expected: string][] = [
  ['nginx', { name: 'nginx', newTag: 'v2' }, 'nginx:v2'],
  ['nginx:1.2@sha256:abc', { name: 'nginx', newTag: 'v2' }, 'nginx:v2'],
  ['nginx:1.2', { name: 'nginx', digest: 'sha256:abc' }, 'nginx@sha256:abc'],
  ['nginx:1.2', { name: 'nginx', newTag: 'v2', digest: 'sha256:abc' }, 'nginx:v2@sha256:abc'],
  ['nginx:1.2', { name: 'nginx', newName: 'r.io/n' }, 'r.io/n:1.2'],
  ['nginx:1.2@sha256:a', { name: 'nginx', tagSuffix: '-x' }, 'nginx:1.2-x'],
  ['nginxx:1.2', { name: 'nginx', newTag: 'v2' }, 'nginxx:1.2'],
  ['my.registry:5000/app:{tag}', { name: 'my.registry:5000/app', newTag: 'v2' }, 'my.registry:5000/app:v2'],
  ['myXregistry/app', { name: 'my.registry/app', newTag: 'v2' }, 'myXregistry/app:v2'],
  ['a/web:1', { name: '.*/web', newTag: 'v2' }, 'a/web:v2'],
  ['nginx:1:2', { name: 'nginx', newTag: 'v2' }, 'nginx:1:2'],
];

for (const [image, rule, expected] of ROWS) {
  test(`${image} by ${JSON.stringify(rule)} is ${expected}`, () =>
    assert.equal(setImage(image, rule), expected));
}

test('a port of the registry is no tag', () => {
  assert.deepEqual(splitImage('r.io:5000/a/b'), { name: 'r.io:5000/a/b', tag: '', digest: '' });
  assert.deepEqual(splitImage('r.io:5000/a/b:1@sha256:c'), {
    name: 'r.io:5000/a/b',
    tag: '1',
    digest: 'sha256:c',
  });
});

test('a name that is no regular expression is refused, one that backtracks elsewhere is quick', {
  timeout: 60_000,
}, () => {
  assert.throws(() => setImage('a', { name: '(', newTag: 'b' }), /no regular expression/);
  assert.equal(setImage(`${'a'.repeat(5_000)}!`, { name: '(a+)+', newTag: 'b' }), `${'a'.repeat(5_000)}!`);
});
