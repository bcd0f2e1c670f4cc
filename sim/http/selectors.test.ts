import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from '../errors.ts';
import { builtInKind } from '../kinds/kinds.ts';
import type { Stored } from '../store.ts';
import { parseLabelSelector, parseSelectors } from './selectors.ts';

function stored(labels: Record<string, string>): Stored {
  return {
    namespace: 'ns',
    name: 'n',
    uid: 'u',
    revision: 1,
    labels,
    metadata: '{}',
    rest: '"type":"Opaque"',
  };
}

test('requirements of a label selector must all hold', () => {
  const matches = (selector: string, labels: Record<string, string>) =>
    parseLabelSelector(selector)(stored(labels));
  assert.equal(matches('', {}), true);
  assert.equal(matches('a=1, b in (2, 3), !c', { a: '1', b: '3' }), true);
  assert.equal(matches('a=1, b in (2, 3), !c', { a: '1', b: '4' }), false);
  assert.equal(matches('a=1, b in (2, 3), !c', { a: '1', b: '3', c: '' }), false);
  assert.equal(matches('a!=1', {}), true);
  assert.equal(matches('a notin (1)', {}), true);
  assert.equal(matches('a', { a: '' }), true);
  assert.equal(matches('example.org/team==x', { 'example.org/team': 'x' }), true);
});

test('a selector that cannot be read is a bad request', () => {
  assert.throws(() => parseLabelSelector('a b'), StatusError);
});

test('kinds have field selectors of their own', () => {
  const select = (fieldSelector: string, kind: string) =>
    parseSelectors(new URLSearchParams({ fieldSelector }), builtInKind('v1', kind))(stored({}));
  assert.equal(select('metadata.name=n,metadata.namespace!=other', 'ConfigMap'), true);
  assert.equal(select('type=Opaque', 'Secret'), true);
  assert.throws(() => select('type=Opaque', 'ConfigMap'), StatusError);
});
