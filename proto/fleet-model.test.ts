import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assembleFleet } from './fleet-model.ts';
import { createNkey } from './nkey.ts';

const key = () => createNkey('user').publicKey;
const FLEET = `apiVersion: flotilla.dev/v1alpha1
kind: Fleet
metadata: { name: acme }
spec:
  branch: main
  labels:
    env: { required: true, enum: [dev, staging, prod] }
    region: { pattern: "^(eu|us)$" }
`;
const cluster = (
  name: string,
  labels: string,
  more = '',
  publicKey = key(),
) => `apiVersion: flotilla.dev/v1alpha1
kind: Cluster
metadata:
  name: ${name}
  labels: { ${labels} }
spec:
  agent: { publicKeys: [${publicKey}] }
${more}`;
const placement = (name: string, more = '') => `apiVersion: flotilla.dev/v1alpha1
kind: Placement
metadata: { name: ${name} }
spec:
  selector: { matchLabels: { env: prod } }
  path: apps/${name}
${more}`;

const GOOD = {
  'flotilla.yaml': FLEET,
  'clusters/a.yaml': cluster('a', 'env: prod'),
  'placements/web.yaml': placement('web'),
};
const problemsOf = (files: Record<string, string>) =>
  assembleFleet(Object.entries({ ...GOOD, ...files })).problems;

test('a valid repository has its documents and no problems', () => {
  const model = assembleFleet(Object.entries(GOOD));
  assert.deepEqual(model.problems, []);
  assert.deepEqual([...model.clusters.keys()], ['a']);
  assert.deepEqual([...model.placements.keys()], ['web']);
});

const SEED = createNkey('user').seed;
const cases: [title: string, files: Record<string, string>, code: string, at: string, says: RegExp][] = [
  [
    'broken YAML',
    { 'clusters/b.yaml': 'kind: [Cluster\nmetadata: {' },
    'document-syntax',
    'clusters/b.yaml:2',
    /clusters\/b\.yaml:2/,
  ],
  [
    'an unknown key, with the name meant',
    { 'clusters/b.yaml': cluster('b', 'env: dev', '  suspendd: true\n') },
    'document-invalid',
    'clusters/b.yaml:8:3',
    /did you mean suspend\?/,
  ],
  [
    'a missing field',
    { 'placements/b.yaml': placement('b').replace(/ {2}path.*\n/, '') },
    'document-invalid',
    'placements/b.yaml:4:1',
    /spec\.path is missing/,
  ],
  [
    'a label outside the vocabulary',
    { 'clusters/b.yaml': cluster('b', 'envv: dev, env: dev') },
    'label-invalid',
    'clusters/b.yaml:5:13',
    /did you mean env\?/,
  ],
  [
    'a label value that is not allowed',
    { 'clusters/b.yaml': cluster('b', 'env: prd') },
    'label-invalid',
    'clusters/b.yaml:5:18',
    /did you mean prod\?/,
  ],
  [
    'a required label that is missing',
    { 'clusters/b.yaml': cluster('b', 'region: eu') },
    'label-invalid',
    'clusters/b.yaml:5',
    /env is required/,
  ],
  [
    'a seed where a public key belongs',
    { 'clusters/b.yaml': cluster('b', 'env: dev', '', SEED) },
    'key-invalid',
    'clusters/b.yaml:7',
    /secret seed/,
  ],
  [
    'a public key with a typo',
    { 'clusters/b.yaml': cluster('b', 'env: dev', '', 'UABC') },
    'key-invalid',
    'clusters/b.yaml:7',
    /not a public key/,
  ],
  [
    'a name that is not the file name',
    { 'clusters/b.yaml': cluster('c', 'env: dev') },
    'document-misnamed',
    'clusters/b.yaml:4:9',
    /is c, but the file is named b/,
  ],
  [
    'a kind in the wrong folder',
    { 'clusters/b.yaml': placement('b') },
    'document-misplaced',
    'clusters/b.yaml:2',
    /holds kind Placement/,
  ],
  [
    'a path that leaves the repository',
    { 'placements/b.yaml': placement('b').replace('apps/b', '../b') },
    'path-escapes',
    'placements/b.yaml:6',
    /leads out/,
  ],
  [
    'two clusters of one name',
    { 'clusters/x/a.yaml': cluster('a', 'env: dev') },
    'document-duplicate',
    'clusters/x/a.yaml:4',
    /exists already in clusters\/a\.yaml/,
  ],
  [
    'a dependency that does not exist',
    { 'placements/b.yaml': placement('b', '  dependsOn: [wib]\n') },
    'placement-unknown',
    'placements/b.yaml:7',
    /did you mean web\?/,
  ],
  [
    'placementValues of an undeclared name',
    { 'clusters/b.yaml': cluster('b', 'env: dev', '  placementValues: { web: { x: 1 } }\n') },
    'value-undeclared',
    'clusters/b.yaml:8',
    /does not declare value x/,
  ],
  [
    'an emptied selector',
    { 'placements/b.yaml': placement('b', '  expect: { minClusters: 3 }\n') },
    'placement-empty',
    'placements/b.yaml:5',
    /selects 1 clusters, but expects at least 3/,
  ],
  [
    'two documents in one file',
    { 'clusters/b.yaml': `${cluster('b', 'env: dev')}---\n${cluster('b', 'env: dev')}` },
    'document-syntax',
    'clusters/b.yaml',
    /one document per file/,
  ],
];
for (const [title, files, code, at, says] of cases) {
  test(`${title} is one located error that leaves the rest in force`, () => {
    const model = assembleFleet(Object.entries({ ...GOOD, ...files }));
    assert.equal(model.problems.length, 1, JSON.stringify(model.problems, null, 2));
    const [problem] = model.problems;
    const { file, line, column } = problem!.source;
    assert.equal(problem!.code, code);
    assert.ok(`${file}:${line}:${column}`.startsWith(at), `${file}:${line}:${column} is not ${at}`);
    assert.match(problem!.message, says);
    assert.ok(!JSON.stringify(problem).includes(SEED), 'a seed must not be repeated');
    assert.ok(model.placements.has('web'));
    assert.ok(model.clusters.has('a') || model.invalid.clusters.has('a'), 'nothing vanishes');
  });
}

test('a name that two files claim is invalid, not decided by chance', () => {
  const model = assembleFleet(Object.entries({ ...GOOD, 'clusters/x/a.yaml': cluster('a', 'env: dev') }));
  assert.deepEqual([model.clusters.has('a'), model.invalid.clusters.has('a')], [false, true]);
});

test('two clusters with one agent key: the first by name keeps it', () => {
  const shared = key();
  const model = assembleFleet(
    Object.entries({
      ...GOOD,
      'clusters/m.yaml': cluster('m', 'env: dev', '', shared),
      'clusters/n.yaml': cluster('n', 'env: dev', '', shared),
    }),
  );
  assert.deepEqual([...model.clusters.keys()], ['a', 'm']);
  assert.equal(model.problems[0]?.code, 'key-duplicate');
});

test('a cluster that is invalid for now does not empty a selector', () => {
  const model = assembleFleet(
    Object.entries({
      ...GOOD,
      'clusters/a.yaml': 'kind: Cluster',
      'placements/web.yaml': placement('web', '  expect: { minClusters: 1 }\n'),
    }),
  );
  assert.ok(model.placements.has('web'));
});

test('a dependency cycle is named', () => {
  const found = problemsOf({
    'placements/b.yaml': placement('b', '  dependsOn: [c]\n'),
    'placements/c.yaml': placement('c', '  dependsOn: [b]\n'),
  });
  assert.deepEqual(
    found.map((problem) => problem.message.split(': ').at(-1)),
    ['b→c→b', 'c→b→c'],
  );
});

test('without flotilla.yaml the fleet is invalid, not empty', () => {
  const model = assembleFleet([['clusters/a.yaml', cluster('a', 'env: prod')]]);
  assert.equal(model.invalid.fleet, true);
  assert.equal(model.problems[0]?.code, 'fleet-missing');
});
