import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { createNkey } from '#proto/nkey.ts';
import { PATIENCE_MS } from '#test/bed/eventually.ts';
import { makeScratch } from '#test/bed/scratch.ts';
import { commit, edit, exampleRepository, flotilla, put, start } from './testing/example.ts';

test('a plan tells by placement and stage which clusters change, leave and stay, and why', async () => {
  await using scratch = await makeScratch('plan');
  const dir = await exampleRepository(scratch);
  await put(
    dir,
    'rollouts/standard.yaml',
    'apiVersion: flotilla.dev/v1alpha1\nkind: RolloutStrategy\nmetadata: { name: standard }\nspec: { stages: [{ name: canary, selector: { matchLabels: { ring: canary } } }, { name: rest, selector: {} }] }\n',
  );
  await edit(dir, 'flotilla.yaml', '  defaults:\n', '  defaults:\n    strategy: standard\n');
  await commit(dir, 'A strategy');
  const nothing = await flotilla(scratch, dir, 'plan --exit-code');
  assert.deepEqual([nothing.code, nothing.stderr], [1, '']);
  assert.match(
    nothing.stdout,
    /^HEAD~1 \(\w{7}\) → HEAD \(\w{7}\)\n\nflotilla.yaml \(changed\): .*\n {2}spec.defaults.strategy - → standard\n/,
  );
  assert.match(
    nothing.stdout,
    /\nRolloutStrategy standard \(changed, of ledger, platform, storefront\): .*\n {2}stage rest is added, after canary: /,
  );
  assert.match(
    nothing.stdout,
    /\nplacement ledger \(strategy standard, until now without one: all at once\)\n {2}moves {5}.*: stage all → stage canary\n/,
  );
  await put(dir, 'README.md', 'words');
  await commit(dir, 'Words');
  const still = await flotilla(scratch, dir, 'plan --exit-code');
  assert.deepEqual([still.code, still.stderr], [0, '']);
  assert.match(still.stdout, /\n\nnothing changes: ledger \(5 clusters\), /);
  await edit(dir, 'apps/storefront/base/kustomization.yaml', '1.4.2', '1.4.3');
  await edit(dir, 'clusters/prod-eu-1.yaml', 'eu1.acme', 'eu11.acme');
  await edit(dir, 'placements/ledger.yaml', '[staging, prod]', '[prod]');
  const { code, stdout } = await flotilla(scratch, dir, 'plan --exit-code');
  assert.equal(code, 1);
  assert.equal(
    stdout.replace(/HEAD \(\w{7}\)/, 'HEAD'),
    `HEAD → the work tree

placement ledger (strategy standard)
  leaves    staging-eu-1: wants env=prod, has env=staging
  unchanged 4 clusters
  unmatched dev-eu-1: wants env=prod, has env=dev
  unmatched staging-eu-1: wants env=prod, has env=staging

placement storefront (strategy standard)
  changes   3 clusters in stage canary
              dev-eu-1, staging-eu-1: content: apps/storefront/base/kustomization.yaml
              prod-eu-1: content: apps/storefront/base/kustomization.yaml; value domain eu1.acme.example → eu11.acme.example
  changes   3 clusters in stage rest
              prod-ap-1, prod-eu-2, prod-us-1: content: apps/storefront/base/kustomization.yaml

unchanged: platform (6 clusters)
`,
  );
  const json = JSON.parse((await flotilla(scratch, dir, 'plan -o json')).stdout);
  assert.deepEqual(Object.keys(json), ['from', 'to', 'clusters', 'documents', 'placements']);
  assert.deepEqual(json.placements[0].left, [
    { cluster: 'staging-eu-1', stage: null, why: ['wants env=prod, has env=staging'] },
  ]);
  await commit(dir, 'All of it');
  const range = await flotilla(scratch, join(dir, 'apps'), 'plan HEAD~1..HEAD -o json');
  assert.deepEqual(JSON.parse(range.stdout).placements, json.placements);
  assert.deepEqual(await readdir(join(dir, '.git/flotilla')), ['reads-v1']);
});

test('a removal beyond the guard is a warning, and what is not valid stays and is told', async () => {
  await using scratch = await makeScratch('plan');
  const dir = await exampleRepository(scratch);
  await rm(join(dir, 'placements/ledger.yaml'));
  await edit(dir, 'placements/storefront.yaml', 'selector: {}', 'selektor: {}');
  const { code, stdout, stderr } = await flotilla(scratch, dir, 'plan');
  assert.equal(code, 0);
  assert.match(stdout, /placement ledger \(removed\)\n {2}leaves {4}.*: the placement is removed\n/);
  assert.match(
    stdout,
    /warning {3}5 of 5 assignments of placement ledger are removed \(100 %\), more than guards\.maxAssignmentsRemoved allows \(10 %\)/,
  );
  assert.match(
    stdout,
    /placement storefront \(strategy standard\)\n {2}is not valid: everything of it stays as it is/,
  );
  const [, hash, item] =
    /holds them as (r\w{15}) .*; to approve, commit (\{.*\}) to spec\.approvals in flotilla\.yaml/.exec(
      stdout,
    )!;
  assert.ok(item!.includes(`placement: ledger, removal: ${hash}`), item);
  await edit(dir, 'flotilla.yaml', 'spec:\n', `spec:\n  approvals: [${item}]\n`);
  const approved = await flotilla(scratch, dir, 'plan');
  assert.match(approved.stdout, /placement ledger \(removed\)\n/);
  assert.doesNotMatch(approved.stdout, /warning/, 'the commit that plan proposes lets them go');
  assert.match(stderr, /placements\/storefront\.yaml:12:3: error: .*selektor/);
});

test('equal differences are shown once, values of Secrets never, and a comment is well-formed', async () => {
  await using scratch = await makeScratch('diff');
  const dir = await exampleRepository(scratch);
  const secret = (password: string) =>
    `apiVersion: v1\nkind: Secret\nmetadata: { name: s }\nstringData: { password: ${password}, same: keep-me }\n`;
  await put(dir, 'apps/ledger/base/secret.yaml', secret('hunter2'));
  await edit(dir, 'apps/ledger/base/kustomization.yaml', 'deployment.yaml', 'deployment.yaml, secret.yaml');
  await commit(dir, 'A secret');
  await put(dir, 'apps/ledger/base/secret.yaml', secret('hunter3'));
  await edit(dir, 'apps/storefront/base/kustomization.yaml', '1.4.2', '1.4.3');
  await edit(dir, 'clusters/prod-eu-1.yaml', 'eu1.acme', 'eu11.acme');
  const { code, stdout } = await flotilla(scratch, dir, 'diff');
  assert.equal(code, 0);
  assert.match(stdout, /placement ledger: the same 1-line change on 5 clusters\n/);
  assert.match(
    stdout,
    /- {2}password: "\*\*\* \(before\)"\n {4}\+ {2}password: "\*\*\* \(after\)"\n {7}same: "\*\*\*"/,
  );
  assert.match(stdout, /placement storefront: the same 1-line change on 5 clusters; 1 differs\n/);
  const json = await flotilla(scratch, dir, 'diff -o json --exit-code');
  assert.equal(json.code, 1);
  const { placements, conflicts } = JSON.parse(json.stdout);
  assert.deepEqual(conflicts, []);
  const [, storefront] = placements;
  assert.deepEqual(storefront.groups[1].clusters, ['prod-eu-1']);
  assert.deepEqual(
    storefront.groups[1].objects.map(({ object, action }: { object: string; action: string }) => [
      object,
      action,
    ]),
    [
      ['Deployment/storefront/storefront', 'configured'],
      ['Ingress/storefront/storefront', 'configured'],
    ],
  );
  const markdown = await flotilla(scratch, dir, 'diff -o markdown');
  assert.match(markdown.stdout, /\| storefront \| the same 1-line change on 5 clusters; 1 differs \|/);
  assert.equal(markdown.stdout.match(/<details>/g)!.length, markdown.stdout.match(/<\/details>/g)!.length);
  for (const text of [stdout, json.stdout, markdown.stdout]) assert.ok(!/hunter|keep-me/.test(text));
});

test('what does not render any more, and an object that two placements come to share, make a diff say no', async () => {
  await using scratch = await makeScratch('diff');
  const dir = await exampleRepository(scratch);
  await put(
    dir,
    'placements/again.yaml',
    'apiVersion: flotilla.dev/v1alpha1\nkind: Placement\nmetadata: { name: again }\nspec: { selector: { matchLabels: { region: ap } }, path: apps/platform }\n',
  );
  await edit(dir, 'apps/ledger/overlays/staging/kustomization.yaml', '../../base', '../../bas');
  const { code, stdout } = await flotilla(scratch, dir, 'diff');
  assert.equal(code, 1);
  assert.match(
    stdout,
    /conflict Namespace\/ledger is rendered by placements\/again\.yaml and by placements\/platform\.yaml/,
  );
  assert.match(
    stdout,
    /fails staging-eu-1: apps\/ledger\/overlays\/staging\/kustomization\.yaml:\d+:\d+: .* does not exist/,
  );
});

test('a cluster is rendered as its agent would, explained, and an overlay alone is an array in order', async () => {
  await using scratch = await makeScratch('render');
  const dir = await exampleRepository(scratch);
  const yaml = await flotilla(scratch, dir, 'render prod-eu-1 --placement storefront --explain');
  assert.equal(yaml.code, 0);
  assert.match(
    yaml.stdout,
    /^# placement storefront in placements\/storefront\.yaml, on cluster prod-eu-1\n# overlay apps\/storefront\/overlays\/prod\n/,
  );
  assert.match(
    yaml.stdout,
    /# value domain = "eu1\.acme\.example", from cluster prod-eu-1 \(values\) in clusters\/prod-eu-1\.yaml\n/,
  );
  const json = JSON.parse(
    (await flotilla(scratch, dir, 'render prod-eu-1 --placement storefront -o json')).stdout,
  );
  assert.deepEqual(
    parseAllDocuments(yaml.stdout).map((document) => document.toJS()),
    json,
  );
  const alone = await flotilla(scratch, dir, 'render --path apps/ledger/overlays/prod -o json');
  assert.deepEqual(
    JSON.parse(alone.stdout).map(({ kind }: { kind: string }) => kind),
    ['Deployment', 'Service', 'ConfigMap'],
  );
  for (const [line, code, said] of [
    ['render', 64, /render what\?/],
    ['render prod-eu', 1, /cluster prod-eu does not exist in the work tree; did you mean prod-eu-1\?/],
    ['render dev-eu-1 --placement ledger', 1, /does not select cluster dev-eu-1/],
    ['render prod-eu-1 --path apps', 64, /does not go with it/],
    ['render --path apps', 1, /kustomization/],
    ['render --path nowhere', 2, /does not exist/],
    ['render prod-eu-1 --rev nope', 2, /revision nope/],
  ] as const) {
    const ended = await flotilla(scratch, dir, line);
    assert.deepEqual([ended.code, ended.stdout], [code, ''], line);
    assert.match(ended.stderr, said, line);
  }
});

test('why says what a selector wants and what the cluster has, and describe where each value comes from', async () => {
  await using scratch = await makeScratch('why');
  const dir = await exampleRepository(scratch);
  const no = await flotilla(scratch, dir, 'why dev-eu-1 ledger');
  assert.deepEqual(
    [no.code, no.stdout],
    [1, 'ledger: not selected\n  because      wants env in (staging,prod), has env=dev\n'],
  );
  const { placements } = JSON.parse((await flotilla(scratch, dir, 'why dev-eu-1 -o json')).stdout);
  assert.deepEqual(
    placements.map(({ placement, selected }: { placement: string; selected: boolean }) => [
      placement,
      selected,
    ]),
    [
      ['ledger', false],
      ['platform', true],
      ['storefront', true],
    ],
  );
  const cluster = JSON.parse((await flotilla(scratch, dir, 'describe cluster prod-eu-1 -o json')).stdout);
  const storefront = cluster.assignments.find((one: { placement: string }) => one.placement === 'storefront');
  assert.deepEqual(
    storefront.values.find(({ name }: { name: string }) => name === 'domain'),
    {
      name: 'domain',
      value: 'eu1.acme.example',
      from: 'cluster prod-eu-1 (values) in clusters/prod-eu-1.yaml',
      file: 'clusters/prod-eu-1.yaml',
    },
  );
  const placement = await flotilla(scratch, dir, 'describe placement ledger');
  assert.match(placement.stdout, /unmatched {4}dev-eu-1: wants env in \(staging,prod\), has env=dev\n/);
  const missing = await flotilla(scratch, dir, 'describe placement ledgr');
  assert.deepEqual(
    [missing.code, missing.stderr],
    [1, 'placement ledgr does not exist in the work tree; did you mean ledger?\n'],
  );
});

test('a fleet that is new is valid, renders on its first cluster, and is never overwritten', async () => {
  await using scratch = await makeScratch('init');
  const env = { GIT_CEILING_DIRECTORIES: scratch.dir };
  assert.equal((await flotilla(scratch, scratch.dir, 'init my-fleet', env)).code, 0);
  const dir = join(scratch.dir, 'my-fleet');
  const again = await flotilla(scratch, dir, 'init', env);
  assert.deepEqual([again.code, again.stderr], [1, 'flotilla.yaml is there already; nothing is written\n']);
  const { publicKey, seed } = createNkey('user');
  const add = (line: string) => flotilla(scratch, dir, `cluster add ${line}`, env);
  const dry = await add(`dev-1 -l env=dev,region=eu --public-key ${publicKey} --dry-run`);
  assert.equal(dry.code, 0);
  const entry = join(dir, 'clusters/dev-1.yaml');
  await assert.rejects(readFile(entry));
  assert.equal((await add(`dev-1 -l env=dev -l region=eu --public-key ${publicKey}`)).code, 0);
  assert.equal(await readFile(entry, 'utf8'), dry.stdout);
  for (const [line, code, said] of [
    [`dev-1 -l env=dev --public-key ${publicKey}`, 1, /exists already in clusters\/dev-1\.yaml/],
    [`dev-2 -l env=dev --public-key ${publicKey}`, 1, /belongs to cluster dev-1 already/],
    [`dev-2 -l env=dve --public-key ${createNkey('user').publicKey}`, 1, /did you mean dev\?/],
    [`dev-2 -l env=dev --public-key ${seed}`, 1, /secret seed/],
    [`Dev_2 -l env=dev --public-key ${publicKey}`, 64, /not a DNS-1123 label/],
    ['dev-2 -l env=dev', 64, /--public-key U… is missing/],
    [`dev-2 -l env --public-key ${publicKey}`, 64, /label env is not KEY=VALUE/],
  ] as const) {
    const ended = await add(line);
    assert.deepEqual([ended.code, ended.stdout], [code, ''], line);
    assert.match(ended.stderr, said);
    assert.ok(!ended.stderr.includes(seed));
  }
  const valid = await flotilla(scratch, dir, 'validate --render', env);
  assert.deepEqual([valid.code, valid.stdout, valid.stderr], [0, '', 'valid: 1 cluster, 1 placement\n']);
});

test('an interrupted run ends with 130 and leaves no process and no file behind', async () => {
  await using scratch = await makeScratch('interrupt');
  const dir = await exampleRepository(scratch);
  const slow = join(scratch.dir, 'kustomize');
  const began = join(scratch.dir, 'began');
  await writeFile(slow, `#!/bin/sh\necho > ${began}\nexec sleep 60\n`, { mode: 0o755 });
  const { child, told, ended } = await start(scratch, dir, 'validate --render --engine kustomize', {
    FLOTILLA_KUSTOMIZE: slow,
  });
  const end = performance.now() + PATIENCE_MS;
  while (!(await readdir(scratch.dir)).includes('began')) {
    assert.ok(performance.now() < end, told.stderr);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill('SIGINT');
  assert.equal(await ended, 130);
  assert.deepEqual([told.stdout, told.stderr], ['', '']);
  const left = (await readdir(scratch.dir, { recursive: true })).filter((name) =>
    /flotilla-checkout-|flotilla-render-/.test(name),
  );
  assert.deepEqual(left, []);
});
