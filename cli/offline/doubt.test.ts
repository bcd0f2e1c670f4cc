import assert from 'node:assert/strict';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createNkey } from '#proto/nkey.ts';
import { makeScratch } from '#test/bed/scratch.ts';
import { edit, exampleRepository, flotilla } from './testing/example.ts';

test('with a Values document that cannot be read nothing moves of placements that declare values, and every verb says so', async () => {
  await using scratch = await makeScratch('doubt');
  const dir = await exampleRepository(scratch);
  await edit(dir, 'values/eu.yaml', 'values:', 'valus:');
  await edit(dir, 'apps/ledger/base/service.yaml', 'kind: Service', 'kind: Service # touched');
  const plan = await flotilla(scratch, dir, 'plan -o json');
  const [ledger, , storefront] = JSON.parse(plan.stdout).placements;
  assert.deepEqual([ledger.changed.length, ledger.held], [5, []], 'it declares no values');
  assert.deepEqual([storefront.changed, storefront.unchanged], [[], 2]);
  assert.deepEqual(storefront.held[0], {
    cluster: 'dev-eu-1',
    code: 'document-invalid',
    message: 'Values eu is not valid: what it would set is not known',
  });
  for (const line of ['plan', 'diff'])
    assert.match((await flotilla(scratch, dir, line)).stderr, /values\/eu\.yaml:10:3: error: .*valus/, line);
  for (const line of ['why prod-eu-1', 'describe placement storefront', 'render prod-eu-1'])
    assert.match(
      (await flotilla(scratch, dir, line)).stderr,
      /^Values eu is not valid.*values\/eu\.yaml:7:1/,
    );
});

test('without a valid Fleet no verb claims that nothing is selected', async () => {
  await using scratch = await makeScratch('doubt');
  const dir = await exampleRepository(scratch);
  await edit(dir, 'flotilla.yaml', 'branch:', 'brnch:');
  for (const line of ['render prod-eu-1', 'describe cluster prod-eu-1', 'why prod-eu-1 ledger']) {
    const { code, stdout, stderr } = await flotilla(scratch, dir, line);
    assert.deepEqual([code, stdout], [1, ''], line);
    assert.match(stderr, /^nothing can be resolved: the Fleet is not valid.*: flotilla\.yaml:7:1: /);
  }
  await rm(join(dir, 'flotilla.yaml'));
  const diff = await flotilla(scratch, dir, 'diff');
  assert.match(diff.stderr, /flotilla\.yaml is missing/);
});

test('a plan tells how clusters and objects are treated otherwise, though no digest changes', async () => {
  await using scratch = await makeScratch('doubt');
  const dir = await exampleRepository(scratch);
  await edit(dir, 'clusters/prod-eu-1.yaml', 'spec:', 'spec:\n  decommission: prune\n  mode: observe');
  await edit(dir, 'placements/ledger.yaml', 'mode: report', 'mode: correct');
  const { code, stdout } = await flotilla(scratch, dir, 'plan --exit-code');
  assert.equal(code, 1);
  assert.match(
    stdout,
    /^clusters treated otherwise: prod-eu-1: mode enforce → observe; decommission - → prune$/m,
  );
  assert.match(
    stdout,
    /^placement ledger\n {2}policy {4}drift\.mode report → correct\n {2}unchanged 5 clusters/m,
  );
  assert.match(stdout, /^unchanged: platform \(6 clusters\), storefront \(6 clusters\)$/m);
});

test('a symlink in the place of a document is an error, and not a removal', async () => {
  await using scratch = await makeScratch('doubt');
  const dir = await exampleRepository(scratch);
  await rm(join(dir, 'clusters/prod-eu-2.yaml'));
  await symlink('prod-eu-1.yaml', join(dir, 'clusters/prod-eu-2.yaml'));
  const { code, stdout } = await flotilla(scratch, dir, 'validate');
  assert.deepEqual(
    [code, stdout.split('\n')[0]],
    [1, 'clusters/prod-eu-2.yaml:1:1: error: is a symlink: documents are plain files [document-invalid]'],
  );
  assert.equal((await flotilla(scratch, dir, 'plan --exit-code')).code, 0);
});

test('whatever stands in the place of a directory of documents is an error with its path, and not a removal', async () => {
  await using scratch = await makeScratch('doubt');
  const dir = await exampleRepository(scratch);
  const told =
    'documents are read from directories of this repository alone; what was read from below it stays as it was';
  for (const folder of ['clusters', 'placements', 'rollouts', 'values']) {
    await rename(join(dir, folder), join(dir, 'moved'));
    await symlink('moved', join(dir, folder));
    const { code, stdout } = await flotilla(scratch, dir, 'validate');
    assert.equal(code, 1);
    assert.ok(stdout.startsWith(`${folder}:1:1: error: is a symlink: ${told} [document-invalid]\n`), stdout);
    const plan = await flotilla(scratch, dir, 'plan');
    assert.ok(!/leaves|removed/.test(plan.stdout), plan.stdout);
    assert.ok(plan.stderr.startsWith(`${folder}:1:1: error: is a symlink: `), plan.stderr);
    await rm(join(dir, folder));
    await writeFile(join(dir, folder), 'text');
    assert.match((await flotilla(scratch, dir, 'validate')).stdout, /^\w+:1:1: error: is a file: /);
    await rm(join(dir, folder));
    await rename(join(dir, 'moved'), join(dir, folder));
  }
  await mkdir(join(dir, 'elsewhere'));
  await symlink('../elsewhere', join(dir, 'clusters/eu'));
  await symlink('../README.md', join(dir, 'clusters/README.md'));
  const { stdout } = await flotilla(scratch, dir, 'validate');
  assert.match(stdout, /^clusters\/eu:1:1: error: is a symlink: .*\n {2}1 \| .*\n +\| \^\n$/);
});

test('a new fleet is written whole or not at all', async () => {
  await using scratch = await makeScratch('doubt');
  await writeFile(join(scratch.dir, 'placements'), '');
  const { code, stderr } = await flotilla(scratch, scratch.dir, 'init');
  assert.deepEqual([code, stderr], [1, 'placements is there already; nothing is written\n']);
  assert.ok(!(await readdir(scratch.dir)).includes('flotilla.yaml'));
});

test('a directory that holds no kustomization is told where the placement names it', async () => {
  await using scratch = await makeScratch('doubt');
  const dir = await exampleRepository(scratch);
  await edit(dir, 'placements/platform.yaml', 'path: apps/platform', 'path: apps');
  const { stdout } = await flotilla(scratch, dir, 'validate -o json');
  const [{ code, file, line, column }] = JSON.parse(stdout).errors;
  assert.deepEqual([code, file, line, column], ['closure-missing-file', 'placements/platform.yaml', 11, 9]);
});

test('a seed that is typed where something else belongs is not repeated', async () => {
  await using scratch = await makeScratch('doubt');
  const dir = await exampleRepository(scratch);
  const { publicKey, seed } = createNkey('user');
  for (const words of [
    [seed, '--public-key', publicKey],
    ['dev-2', '-l', seed, '--public-key', publicKey],
    ['dev-2', '-l', `env=${seed}`, '--public-key', publicKey],
    ['dev-2', '-l', 'env=dev', '--public-key', `${seed}A`],
  ]) {
    const { code, stdout, stderr } = await flotilla(scratch, dir, ['cluster', 'add', ...words]);
    assert.ok(code !== 0 && stderr !== '' && !`${stdout}${stderr}`.includes(seed), words.join(' '));
  }
});
