import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import { groupCells } from './facets.ts';
import { type ClusterFilter, clusterTest, globTest } from './filters.ts';
import { parseImage } from './resources.ts';
import { deployment, START, status, viewOf } from './testing/fleet.ts';

const view = viewOf({
  clusters: {
    'prod-eu': { labels: { env: 'prod', region: 'eu' } },
    'prod-us': { labels: { env: 'prod', region: 'us' } },
    'dev-eu': { labels: { env: 'dev', region: 'eu', legacy: 'yes' } },
  },
  placements: { shop: {} },
});
view.onStatus(status('prod-eu', 'shop', { drift: ['DRIFTED'] }), START);
view.onStatus(
  status('prod-us', 'shop', { objects: [deployment({ images: ['nginx@sha256:abc'] })], health: ['FAILED'] }),
  START,
);

const EXPECTED: readonly (readonly [ClusterFilter, readonly string[]])[] = [
  [{}, ['prod-eu', 'prod-us', 'dev-eu']],
  [{ names: ['dev-eu', 'nobody'] }, ['dev-eu']],
  [{ names: [] }, []],
  [{ selector: 'env=prod,region in (eu,ap)' }, ['prod-eu']],
  [{ selector: '!legacy' }, ['prod-eu', 'prod-us']],
  [{ selector: '' }, ['prod-eu', 'prod-us', 'dev-eu']],
  [{ labels: [{ key: 'region', in: ['us'] }] }, ['prod-us']],
  [
    {
      labels: [
        { key: 'region', notIn: ['us'] },
        { key: 'legacy', exists: false },
      ],
    },
    ['prod-eu'],
  ],
  [{ labels: [{ key: 'toString', exists: true }] }, []],
  [{ headline: ['FAILED', 'DRIFTED'] }, ['prod-eu', 'prod-us']],
  [{ connectivity: ['NEVER_CONNECTED'] }, ['dev-eu']],
  [{ drift: ['DRIFTED'] }, ['prod-eu']],
  [{ health: ['FAILED'] }, ['prod-us']],
  [{ runsImage: 'registry.acme.example:5000/shop/web' }, ['prod-eu']],
  [{ runsImage: 'registry.acme.example:5000/shop/web:1.4.2' }, ['prod-eu']],
  [{ runsImage: 'nginx' }, ['prod-us']],
  [{ search: 'EU' }, ['prod-eu', 'dev-eu']],
  [{ search: 'yes' }, ['dev-eu']],
  [{ selector: 'env=prod', headline: ['OK'] }, []],
];
for (const [filter, names] of EXPECTED) {
  test(`${JSON.stringify(filter)} selects ${names.join(', ') || 'nothing'}`, () => {
    const found = view.clusters().filter(clusterTest(filter));
    assert.deepEqual(
      found.map(({ name }) => name),
      names,
    );
  });
}

test('a selector that cannot be parsed is refused, naming the part', () => {
  assert.throws(
    () => clusterTest({ selector: 'env in prod' }),
    (error) => error instanceof FlotillaError && error.code === 'selector-invalid',
  );
});

test('a glob stands for the whole text, and its stars for any', () => {
  for (const [glob, text, matches] of [
    ['web', 'web', true],
    ['web', 'web2', false],
    ['web*', 'web-7', true],
    ['*', '', true],
    ['/spec/*/image', '/spec/template/spec/containers[name=web]/image', true],
    ['a*b*c', 'a-c', false],
    ['a*bc*c', 'abc', false],
    ['ab*ba', 'aba', false],
    ['(x)*', '(x)y', true],
  ] as const) {
    assert.equal(globTest(glob)(text), matches, `${glob} ${text}`);
  }
});

test('the port of a registry is not taken for a tag', () => {
  assert.deepEqual(parseImage('localhost:5000/web'), {
    reference: 'localhost:5000/web',
    repository: 'localhost:5000/web',
    tag: undefined,
    digest: undefined,
  });
  assert.equal(parseImage('localhost:5000/web:1@sha256:abc').tag, '1');
});

test('groups have one cell per combination, an absent label being the empty value', () => {
  const cells = groupCells(view.clusters(), ['env', 'legacy']);
  assert.deepEqual(
    cells.map(({ keys, count }) => [keys.map(({ value }) => value).join('/'), count]),
    [
      ['dev/yes', 1],
      ['prod/', 2],
    ],
  );
});
