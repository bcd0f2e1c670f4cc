import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RunningApi } from '#hub/api/server.ts';
import { acmeHolding } from '#hub/api/testing/api.ts';
import { serve } from '#hub/api/testing/serve.ts';
import { run, show } from './testing/hub.ts';

let api: RunningApi;
before(async () => {
  api = await serve(acmeHolding());
});
after(() => api.stop());

const flotilla = (line: string) => run(api.url, line.split(' ').filter(Boolean));
const ITEM = '{ placement: retired, removal: 0123456789abcdef, until: 2026-05-10 }';

test('get approvals lists what waits, with the commit that lets it go', async () => {
  assert.equal(
    await show(api.url, ['get', 'approvals']),
    `ID                 KIND      STATE     PLACEMENT   CLUSTERS   SINCE   TO APPROVE
0123456789abcdef   REMOVAL   PENDING   retired     2          6m      commit ${ITEM} to spec.approvals in flotilla.yaml
`,
  );
  const wide = await show(api.url, ['get', 'approvals', '-o', 'wide']);
  assert.match(wide, /the placement is gone in Git.* dev-eu-1,prod-eu-1$/m);
  const one = JSON.parse((await flotilla('get approval 0123456789abcdef -o json')).stdout);
  assert.deepEqual(one.clusters, ['dev-eu-1', 'prod-eu-1']);
  assert.equal(one.placement, 'retired');
  assert.match((await flotilla('get approvals -l env=prod')).stderr, /approvals are listed by name/);
});

test('status says what waits for an approval on lines of its own, and not a second time', async () => {
  const text = await show(api.url, ['status']);
  assert.ok(text.includes('○ WAITS FOR APPROVAL   retired, for 6m\n  2 of 3 assignments would be removed'));
  assert.ok(text.includes(`\n  to approve, commit ${ITEM} to spec.approvals in flotilla.yaml\n`));
  assert.ok(!text.includes('removal-held'));
  const { approvals } = JSON.parse((await flotilla('status -o json')).stdout);
  assert.deepEqual([approvals.count, approvals.items[0].setHash], [1, '0123456789abcdef']);
});

test('a placement that is gone is listed while something of it runs', async () => {
  const { items } = JSON.parse((await flotilla('get placements -o json')).stdout);
  const retired = items.find(({ name }: { name: string }) => name === 'retired');
  assert.deepEqual([retired.deleted, retired.clusterCount], [true, 2]);
});

for (const [line, code, told] of [
  [
    'get clusters -l evn=prod',
    64,
    'no cluster has a label evn; did you mean env? (known labels: env, region)',
  ],
  ['status -l zone', 64, 'no cluster has a label zone (known labels: env, region)'],
  ['drift -l regio(n', 64, 'expected key=value'],
  ['get assignments -l env=prod,regin=eu', 64, 'did you mean region?'],
  ['get clusters -l !legacy', 0, ''],
] as const) {
  test(`${line}: exit ${code}${told && `, "${told}"`}`, async () => {
    const result = await flotilla(line);
    assert.equal(result.code, code, result.stderr);
    assert.ok(result.stderr.includes(told), result.stderr);
    if (code !== 0) assert.equal(result.stdout, '');
  });
}
