import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Scalar } from '#proto/documents/common.ts';
import { FlotillaError } from '#proto/faults.ts';
import fc from '#test/laws.ts';
import { substituteValues } from './values.ts';
import type { Json } from './yaml/read.ts';

const typed = (values: Record<string, Scalar>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, from: 'a test' }]));
const VALUES = typed({
  replicas: 3,
  text: '3',
  on: true,
  domain: 'eu.example',
  nested: '${domain}',
  empty: '',
});
const one = (object: Json): Json => substituteValues([object], VALUES, 'apps/web')[0]!;
const inSpec = (text: string): Json =>
  (one({ kind: 'Web', spec: { field: text } }) as { spec: { field: Json } }).spec.field;

const TEXTS: readonly [text: string, expected: Json][] = [
  ['${replicas}', 3],
  ['${text}', '3'],
  ['${on}', true],
  ['${empty}', ''],
  ['https://web.${domain}:${replicas}/', 'https://web.eu.example:3/'],
  ['${on}${on}', 'truetrue'],
  [' ${replicas}', ' 3'],
  ['$${replicas}', '${replicas}'],
  ['$$${replicas}', '$${replicas}'],
  ['a $${domain} b ${domain}', 'a ${domain} b eu.example'],
  ['${nested}', '${domain}'],
  ['x${nested}x', 'x${domain}x'],
  ['${other}', '${other}'],
  ['$${other}', '$${other}'],
  ['${other:=1}', '${other:=1}'],
  ['$(domain) $domain {domain} ${domain', '$(domain) $domain {domain} ${domain'],
  ['${ domain }', '${ domain }'],
  ['${domain.name}', '${domain.name}'],
  ['${domain-name}', '${domain-name}'],
  ['$${domain:=x}', '${domain:=x}'],
];

for (const [text, expected] of TEXTS) {
  test(`${text} becomes ${JSON.stringify(expected)}`, () => assert.deepEqual(inSpec(text), expected));
}

const FORMS: readonly [form: string, fix: RegExp][] = [
  ['${replicas:=2}', /write \$\{replicas\} and put 2 under values\.optional/],
  ['${replicas:-2}', /write \$\{replicas\} and put 2 under values\.optional/],
  ['${replicas=2}', /write \$\{replicas\} and put 2 under values\.optional/],
  ['${domain:0:2}', /prepare the text in the value/],
  ['${domain/eu/us}', /prepare the text in the value/],
  ['${domain^^}', /prepare the text in the value/],
  ['${domain,}', /prepare the text in the value/],
  ['${domain##*.}', /prepare the text in the value/],
  ['${domain%.*}', /prepare the text in the value/],
  ['${#domain}', /prepare the text in the value/],
];

for (const [form, fix] of FORMS) {
  test(`${form} of a declared name is an error that names object, place and remedy`, () => {
    const object = { kind: 'Web', metadata: { name: 'w' }, spec: { 'a/b': [`x ${form}`] } };
    assert.throws(
      () => one(object),
      (error) => {
        assert.ok(error instanceof FlotillaError);
        assert.equal(error.code, 'values-unexpanded');
        assert.ok(error.message.startsWith(`apps/web: Web/w /spec/a~1b/0: ${form} `), error.message);
        assert.match(error.message, fix);
        return true;
      },
    );
  });
}

test('keys are left alone, and lists are walked', () => {
  assert.deepEqual(one({ '${domain}': ['${domain}', { x: ['${replicas}'] }], n: 5, z: null }), {
    '${domain}': ['eu.example', { x: [3] }],
    n: 5,
    z: null,
  });
});

const TEXT_ONLY: readonly [what: string, object: Json][] = [
  ['a name', { kind: 'Web', metadata: { name: '${replicas}', namespace: '${replicas}' } }],
  [
    'labels and annotations',
    { kind: 'Web', metadata: { labels: { a: '${on}' }, annotations: { b: '${replicas}' } } },
  ],
  [
    'labels of a pod template',
    { kind: 'Deployment', spec: { template: { metadata: { labels: { v: '${replicas}' } } } } },
  ],
  [
    'selectors',
    {
      kind: 'Deployment',
      spec: { selector: { matchLabels: { v: '${replicas}' } }, nodeSelector: { a: '${on}' } },
    },
  ],
  ['the selector of a Service', { kind: 'Service', spec: { selector: { v: '${replicas}' } } }],
  ['data of a ConfigMap', { kind: 'ConfigMap', data: { a: '${replicas}' } }],
  ['data of a Secret', { kind: 'Secret', stringData: { a: '${on}' } }],
  [
    'environment, command and arguments of a container',
    {
      kind: 'Pod',
      spec: {
        containers: [
          { env: [{ name: 'A', value: '${replicas}' }], args: ['${replicas}'], command: ['${on}'] },
        ],
      },
    },
  ],
];

for (const [what, object] of TEXT_ONLY) {
  test(`${what} get the text of a value, because nothing else is accepted there`, () => {
    const expected = JSON.stringify(object).replaceAll('${replicas}', '3').replaceAll('${on}', 'true');
    assert.equal(JSON.stringify(one(object)), expected);
  });
}

test('fields that only look alike take the type', () => {
  const object = {
    kind: 'Web',
    data: { a: '${replicas}' },
    spec: { args: ['${replicas}'], ports: [{ port: '${replicas}' }] },
  };
  assert.deepEqual(one(object), { kind: 'Web', data: { a: 3 }, spec: { args: [3], ports: [{ port: 3 }] } });
});

test('without a declared name in it, an object is returned as it is, and none is ever changed', () => {
  const object: Json = { a: ['x', { b: '${other}' }], c: { d: 1n } };
  assert.equal(one(object), object);
  const given: Json = { a: { keep: ['x'] }, b: '${domain}' };
  const before = structuredClone(given);
  const result = one(given) as { a: Json };
  assert.deepEqual(given, before);
  assert.equal(result.a, given.a);
});

test('what a value holds never starts another substitution', () => {
  const piece = fc.constantFrom('${a}', '${b}', '$${a}', '$', '{', '}', 'x', '${a:=1}');
  fc.assert(
    fc.property(
      fc.array(piece).map((parts) => parts.join('')),
      fc.array(piece).map((parts) => parts.join('')),
      (value, other) => {
        const values = typed({ a: value, b: other });
        assert.deepEqual(substituteValues(['<${a}|${b}>'], values, 'x'), [`<${value}|${other}>`]);
      },
    ),
  );
});
