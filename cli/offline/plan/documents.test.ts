import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeScratch } from '#test/bed/scratch.ts';
import { commit, edit, exampleRepository, flotilla, put } from '../testing/example.ts';

test('a plan tells what an edited strategy, Access and Values mean, which clusters move, and what stays because it is not valid', async () => {
  await using scratch = await makeScratch('plan');
  const dir = await exampleRepository(scratch);
  await put(
    dir,
    'access/ops.yaml',
    'apiVersion: flotilla.dev/v1alpha1\nkind: Access\nmetadata: { name: ops }\nspec:\n  rules:\n    - { groups: [oncall], permissions: [approve, pause], clusters: { matchLabels: { env: prod } } }\n',
  );
  await commit(dir, 'Who may what');
  await edit(dir, 'access/ops.yaml', 'approve, pause', 'pause');
  await edit(dir, 'values/eu.yaml', 'EUR', 'CHF');
  const file = 'rollouts/standard.yaml';
  await edit(dir, file, 'soak: 30m', 'soak: 1h');
  await edit(dir, file, 'maxConcurrent: 25%', 'maxConcurrent: 1');
  await edit(dir, file, 'action: rollback', 'maxFailed: 2%');
  await edit(
    dir,
    file,
    '    - name: early\n',
    '    - name: wide\n      selector: { matchLabels: { env: prod } }\n      before: [{ approval: { groups: [oncall], count: 2, notAuthor: true } }]\n    - name: early\n',
  );
  const { stdout } = await flotilla(scratch, dir, 'plan');
  assert.equal(
    stdout.replace(/^.*\n\n/, ''),
    `RolloutStrategy standard (changed, of storefront): in force as soon as it is the head, also for what is under way
  stage wide is added, after canary: env=prod; before approval 2 by oncall notAuthor
  stage canary: after soak 30m → soak 1h
  stage broad: maxConcurrent 25% → 1
  failure.action rollback → pause
  failure.maxFailed 0 → 2%

Access ops (changed): in force as soon as it is the head
  rule is added: oncall may pause on clusters env=prod
  rule is removed: oncall may approve, pause on clusters env=prod

Values eu (changed): where it changes what a cluster is given, that travels the stages
  currency EUR → CHF

placement storefront (strategy standard)
  moves     prod-ap-1: stage broad → stage wide
  moves     prod-eu-2, prod-us-1: stage early → stage wide
  changes   3 clusters in stage canary
              dev-eu-1, prod-eu-1, staging-eu-1: value currency EUR → CHF
  changes   1 cluster in stage wide
              prod-eu-2: value currency EUR → CHF
  unchanged 2 clusters

unchanged: ledger (5 clusters), platform (6 clusters)
`,
  );
  const { documents, placements } = JSON.parse((await flotilla(scratch, dir, 'plan -o json')).stdout);
  assert.deepEqual(documents[0].placements, ['storefront']);
  const { moved } = placements.find(({ placement }: { placement: string }) => placement === 'storefront');
  assert.deepEqual(moved[0], { cluster: 'prod-ap-1', from: 'broad', to: 'wide' });
  await rm(join(dir, file));
  const gone = await flotilla(scratch, dir, 'plan');
  assert.match(gone.stdout, /standard \(invalid, of storefront\)\n {2}.* it stays as it was\n/);
  assert.match(gone.stdout, /\n {2}changes {3}3 clusters in stage canary\n/);
});
