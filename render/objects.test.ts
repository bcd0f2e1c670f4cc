import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaultCode } from '#proto/faults.ts';
import fc from '#test/laws.ts';
import { checkObjects, expandLists, type KubeObject, renderHash, withNamespace } from './objects.ts';
import type { Json } from './yaml/read.ts';

const object = (kind: string, name: string, more: Record<string, unknown> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name },
  ...more,
});
const annotated = (key: string, value: string) =>
  object('Job', 'j', { metadata: { name: 'j', annotations: { [key]: value } } });

const REFUSED: readonly [what: string, value: unknown, code: FaultCode, message: RegExp][] = [
  ['text', 'hello', 'render-refused', /^apps\/web: object 1 of 1 is no object/],
  [
    'an object without apiVersion',
    { kind: 'X', metadata: { name: 'x' } },
    'render-refused',
    /object 1 of 1 \(X\/x\) has no apiVersion/,
  ],
  [
    'a kind that is a word for something else',
    { apiVersion: 'v1', kind: 'true', metadata: { name: 'x' } },
    'render-refused',
    /the kind true, which is none/,
  ],
  ['an object without kind', { apiVersion: 'v1', metadata: { name: 'x' } }, 'render-refused', /has no kind/],
  ['an object without metadata', { apiVersion: 'v1', kind: 'X' }, 'render-refused', /has no metadata/],
  [
    'an object without name',
    { apiVersion: 'v1', kind: 'X', metadata: {} },
    'render-refused',
    /has no metadata\.name/,
  ],
  [
    'an object whose name is a number',
    { apiVersion: 'v1', kind: 'X', metadata: { name: 3 } },
    'render-refused',
    /has no metadata\.name/,
  ],
  [
    'an object with generateName',
    { apiVersion: 'v1', kind: 'X', metadata: { generateName: 'x-' } },
    'render-refused',
    /generateName/,
  ],
  [
    'a namespace that is no text',
    { apiVersion: 'v1', kind: 'X', metadata: { name: 'x', namespace: 1 } },
    'render-refused',
    /namespace/,
  ],
  [
    'a Helm hook',
    annotated('helm.sh/hook', 'pre-install, test'),
    'render-refused',
    /Job\/j is a Helm hook \(helm\.sh\/hook: pre-install, test\)/,
  ],
  [
    'an Argo CD hook',
    annotated('argocd.argoproj.io/hook', 'PreSync'),
    'render-refused',
    /Job\/j is an Argo CD hook/,
  ],
  [
    'a document encrypted with SOPS',
    object('Secret', 's', { sops: { mac: 'x' } }),
    'render-refused',
    /Secret\/s is encrypted with SOPS/,
  ],
];

for (const [what, value, code, message] of REFUSED) {
  test(`${what} is refused in words`, () => {
    assert.throws(() => checkObjects([value as Json], 'apps/web'), { code, message });
  });
}

test('the tests of a Helm chart are dropped', () => {
  const kept = object('Job', 'kept');
  const values = [
    annotated('helm.sh/hook', 'test'),
    kept,
    annotated('helm.sh/hook', 'test-success'),
  ] as Json[];
  assert.deepEqual(checkObjects(values, 'x'), [kept]);
});

test('an object rendered twice is refused, in whatever version of its group', () => {
  const [a, b] = [
    { ...object('Deployment', 'web'), apiVersion: 'apps/v1' },
    { ...object('Deployment', 'web'), apiVersion: 'apps/v1beta1' },
  ];
  assert.throws(() => checkObjects([a, b] as Json[], 'x'), {
    code: 'object-duplicate',
    message: /Deployment\/web is rendered twice, as object 1 and 2/,
  });
  const other = { ...b, metadata: { name: 'web', namespace: 'n' } };
  assert.equal(checkObjects([a, other] as Json[], 'x').length, 2);
});

test('lists are replaced by what they hold; a kind that only ends in List is an object', () => {
  const [a, b] = [object('A', 'a') as Json, object('B', 'b') as Json];
  const list = { apiVersion: 'v1', kind: 'List', items: [a, { kind: 'BList', items: [b] }] };
  assert.deepEqual(expandLists([null, list, { kind: 'AllowList', spec: {} }]), [
    a,
    b,
    { kind: 'AllowList', spec: {} },
  ]);
});

test('the namespace comes first, unless it is rendered already', () => {
  const web = object('ConfigMap', 'web');
  assert.deepEqual(withNamespace([web], 'web'), [object('Namespace', 'web'), web]);
  const own = object('Namespace', 'web', { metadata: { name: 'web', labels: { a: 'b' } } });
  assert.deepEqual(withNamespace([web, own], 'web'), [web, own]);
});

test('the hash of a render ignores the order of objects and the values of Secrets, and nothing else', () => {
  const secret = (data: Record<string, string>) => object('Secret', 's', { data, stringData: { a: 'b' } });
  const base = [object('ConfigMap', 'c', { data: { a: '1' } }), secret({ password: 'eA==' })];
  const hash = renderHash(base);
  assert.equal(renderHash([...base].reverse()), hash);
  assert.equal(renderHash([base[0]!, secret({ password: 'eQ==' })]), hash);
  assert.notEqual(renderHash([base[0]!, secret({ other: 'eA==' })]), hash);
  assert.notEqual(renderHash([object('ConfigMap', 'c', { data: { a: '2' } }), base[1]!]), hash);
  assert.notEqual(renderHash([object('ConfigMap', 'c', { data: { a: 1n } }), base[1]!]), hash);
});

test('objects that differ in one number have different hashes', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n), (a, b) => {
      const hash = (n: bigint) => renderHash([object('X', 'x', { n })]);
      assert.equal(hash(a) === hash(b), a === b);
    }),
  );
});
