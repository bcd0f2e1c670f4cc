import assert from 'node:assert/strict';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { git } from '#test/bed/git.ts';
import { makeScratch } from '#test/bed/scratch.ts';
import { KEYS } from '#test/fixtures/fleets.ts';
import { exampleRepository, flotilla, makeMistakes } from './testing/example.ts';

test('a valid fleet is told so on stderr, and as json there is nothing in both lists', async () => {
  await using scratch = await makeScratch('validate');
  const dir = await exampleRepository(scratch);
  const { code, stdout, stderr } = await flotilla(scratch, dir, 'validate');
  assert.deepEqual([code, stdout, stderr], [0, '', 'valid: 6 clusters, 3 placements\n']);
  const json = await flotilla(scratch, dir, 'validate -o json');
  assert.deepEqual(JSON.parse(json.stdout), { errors: [], warnings: [] });
});

test('everything that is wrong is told at once, with place, offending text and suggestion, of what is not committed', async () => {
  await using scratch = await makeScratch('validate');
  const dir = await exampleRepository(scratch);
  await makeMistakes(dir);
  const { code, stdout, stderr } = await flotilla(scratch, join(dir, 'apps'), 'validate');
  assert.deepEqual([code, stderr], [1, '4 errors, 0 warnings\n']);
  assert.equal(
    stdout,
    `apps/storefront/overlays/dev/kustomization.yaml:3:13: error: ../../bas does not exist, neither as a file nor as a directory [closure-missing-file]
  3 | resources: [../../bas]
    |             ^^^^^^^^^

clusters/prod-eu-1.yaml:6:3: error: label region is required and missing [label-invalid]
  6 |   labels: { env: prod, regoin: eu, ring: canary }
    |   ^^^^^^

clusters/prod-eu-1.yaml:6:24: error: label regoin is not in the vocabulary of the fleet; did you mean region? [label-invalid]
  6 |   labels: { env: prod, regoin: eu, ring: canary }
    |                        ^^^^^^

placements/new.yaml:2:7: error: holds kind Cluster, but kind Placement belongs there [document-misplaced]
  2 | kind: Cluster
    |       ^^^^^^^
`,
  );
  const json = JSON.parse((await flotilla(scratch, dir, 'validate -o json')).stdout);
  assert.deepEqual(Object.keys(json), ['errors', 'warnings']);
  assert.deepEqual(json.errors[2], {
    code: 'label-invalid',
    file: 'clusters/prod-eu-1.yaml',
    line: 6,
    column: 24,
    message: 'label regoin is not in the vocabulary of the fleet; did you mean region?',
    suggestion: 'region',
  });
  const committed = await flotilla(scratch, dir, 'validate --rev HEAD');
  assert.equal(committed.code, 0, 'what is committed is valid');
});

test('a fleet below the root of its repository is found, and reports for other tools name files from that root', async () => {
  await using scratch = await makeScratch('validate');
  const dir = await exampleRepository(scratch, 'platform/fleet');
  await makeMistakes(join(dir, 'platform/fleet'));
  const github = await flotilla(scratch, dir, 'validate platform/fleet -o github');
  assert.match(
    github.stdout,
    /^::error file=platform\/fleet\/clusters\/prod-eu-1\.yaml,line=6,col=24,title=label-invalid::label regoin is not/m,
  );
  const sarif = JSON.parse((await flotilla(scratch, dir, 'validate platform/fleet -o sarif')).stdout);
  assert.deepEqual([sarif.version, sarif.runs.length], ['2.1.0', 1]);
  const [{ tool, results }] = sarif.runs;
  assert.equal(tool.driver.name, 'flotilla');
  assert.equal(results.length, 4);
  for (const { ruleId, ruleIndex, level, message, locations } of results) {
    assert.equal(tool.driver.rules[ruleIndex].id, ruleId);
    assert.ok(['error', 'warning'].includes(level) && message.text !== '');
    const { artifactLocation, region } = locations[0].physicalLocation;
    assert.ok(
      artifactLocation.uri.startsWith('platform/fleet/') && region.startLine >= 1 && region.startColumn >= 1,
    );
  }
});

test('rendering shows what two placements share, naming both files, and what a placement may not have', async () => {
  await using scratch = await makeScratch('validate');
  const dir = await exampleRepository(scratch);
  const placement = (name: string, more: string) =>
    `apiVersion: flotilla.dev/v1alpha1\nkind: Placement\nmetadata: { name: ${name} }\nspec: { selector: { matchLabels: { region: ap } }, path: apps/platform${more} }\n`;
  await writeFile(
    join(dir, 'placements/again.yaml'),
    placement('again', ', allow: { namespaces: [ledger] }'),
  );
  const { code, stdout } = await flotilla(scratch, dir, 'validate --render -o json');
  const { errors } = JSON.parse(stdout) as { errors: { code: string; message: string; file: string }[] };
  assert.equal(code, 1);
  const shared = errors.find(({ message }) => message.startsWith('Namespace/ledger '));
  assert.deepEqual(
    [shared?.code, shared?.file, shared?.message],
    [
      'object-conflict',
      'placements/platform.yaml',
      'Namespace/ledger is rendered by placements/again.yaml and by placements/platform.yaml; on cluster prod-ap-1',
    ],
  );
  assert.match(
    errors.find((one) => one.code === 'tenancy-refused')!.message,
    /placement again is not allowed to have Namespace\/storefront, ClusterRole\/acme-on-call/,
  );
  assert.equal((await flotilla(scratch, dir, 'validate')).code, 0, 'without rendering nothing is seen');
  const missing = await flotilla(scratch, dir, 'validate --render --engine kustomize', {
    FLOTILLA_KUSTOMIZE: '/nowhere/kustomize',
  });
  assert.deepEqual([missing.code, missing.stdout], [2, '']);
});

test('a seed in a document is named as what it is, and never repeated', async () => {
  await using scratch = await makeScratch('validate');
  const dir = await exampleRepository(scratch);
  const file = join(dir, 'clusters/leaked.yaml');
  const seed = KEYS[0]!.seed;
  await writeFile(
    file,
    `apiVersion: flotilla.dev/v1alpha1\nkind: Cluster\nmetadata: { name: leaked, labels: { env: dev, region: eu, ring: broad } }\nspec: { agent: { publicKeys: [${seed}] } }\n`,
  );
  for (const format of ['text', 'json', 'sarif', 'github']) {
    const { code, stdout, stderr } = await flotilla(scratch, dir, `validate -o ${format}`);
    assert.equal(code, 1);
    assert.ok(stdout.includes('secret seed') && !`${stdout}${stderr}`.includes(seed), format);
  }
});

test('what cannot be looked at is exit code 2, and a wrong command line 64', async () => {
  await using scratch = await makeScratch('validate');
  const dir = await exampleRepository(scratch);
  for (const [line, code, said] of [
    ['validate nowhere', 2, /directory .*nowhere does not exist/],
    ['validate --rev nope', 2, /revision nope/],
    ['validate a b', 64, /unexpected word b/],
    ['validate -o xml', 64, /not one of text, json, sarif, github/],
    ['validate --render --engine helm', 64, /not one of auto, native, kustomize/],
  ] as const) {
    const ended = await flotilla(scratch, dir, line);
    assert.deepEqual([ended.code, ended.stdout], [code, ''], line);
    assert.match(ended.stderr, said);
  }
  const empty = join(scratch.dir, 'empty');
  await mkdir(empty);
  const ended = await flotilla(scratch, empty, 'validate');
  assert.equal(ended.code, 1);
  assert.match(ended.stdout, /flotilla\.yaml: error: .*missing.* \[fleet-missing\]/);
});

test('the example of this repository is valid as it stands there, and outside of any repository', async () => {
  await using scratch = await makeScratch('validate');
  const dir = await exampleRepository(scratch);
  await rm(join(dir, '.git'), { recursive: true });
  assert.equal((await flotilla(scratch, dir, 'validate')).code, 0);
  const plain = join(scratch.dir, 'bare');
  await git(['init', '--quiet', '--bare', plain]);
  await cp(dir, join(dirname(plain), 'copy'), { recursive: true });
  assert.equal((await flotilla(scratch, plain, 'validate')).code, 2);
});
