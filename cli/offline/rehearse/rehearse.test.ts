import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { git } from '#test/bed/git.ts';
import { makeScratch, type Scratch } from '#test/bed/scratch.ts';
import { commit, edit, exampleRepository, flotilla, put } from '../testing/example.ts';

const STRATEGY = `apiVersion: flotilla.dev/v1alpha1
kind: RolloutStrategy
metadata: { name: standard }
spec:
  stages:
    - { name: canary, selector: { matchLabels: { ring: canary } }, after: [{ soak: 30m }] }
    - name: early
      selector: { matchLabels: { ring: early } }
      before: [{ approval: { groups: [oncall] } }]
      maxConcurrent: 1
    - { name: rest, selector: {} }
`;
const BASE = 'apps/storefront/base/deployment.yaml';

let scratch: Scratch;
let dir: string;
before(async () => {
  scratch = await makeScratch('rehearse');
  dir = await exampleRepository(scratch);
  await put(dir, 'rollouts/standard.yaml', STRATEGY);
  await edit(dir, 'flotilla.yaml', '  defaults:\n', '  defaults:\n    strategy: standard\n');
  await commit(dir, 'Roll in stages');
  await edit(dir, BASE, 'cpu: 100m', 'cpu: 150m');
  await commit(dir, 'More CPU');
  await edit(dir, BASE, 'cpu: 150m', 'cpu: 160m');
  await commit(dir, 'Still more');
});
after(() => scratch[Symbol.asyncDispose]());

const scenario = (spec: string) => `apiVersion: flotilla.dev/v1alpha1\nkind: Scenario\nspec:\n${spec}`;

async function rehearse(spec: string, line = '-o json') {
  await put(scratch.dir, 'scenario.yaml', scenario(spec));
  const file = join(scratch.dir, 'scenario.yaml');
  return flotilla(scratch, dir, `rehearse --from HEAD~2 --to HEAD~1 --scenario ${file} ${line}`);
}

test('without a scenario the newest commit is played, up to where somebody has to approve', async () => {
  const { code, stdout, stderr } = await flotilla(scratch, dir, 'rehearse');
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^storefront: AwaitingApproval, 6 clusters\n/);
  assert.match(stdout, /30m20s {2}canary passed/);
  assert.match(stdout, /! early: waiting for approval by oncall/);
  assert.match(stdout, /unchanged: ledger, platform\n/);
});

test('where nothing changes it says so and ends at once, in JSON too', async () => {
  const empty = ['-c', 'user.name=A', '-c', 'user.email=a@b', 'commit-tree', '-p', 'HEAD', '-m', 'Words'];
  const words = (await git([...empty, 'HEAD^{tree}'], { cwd: dir })).trim();
  for (const to of ['HEAD', words]) {
    const line = `rehearse --from HEAD --to ${to}`;
    const { code, stdout } = await flotilla(scratch, dir, line);
    assert.equal(code, 0);
    assert.equal(
      stdout,
      'nothing changes for any placement: ledger, platform, storefront\n\nended after 0s\n',
    );
    const { endedAt, placements } = JSON.parse((await flotilla(scratch, dir, `${line} -o json`)).stdout);
    assert.deepEqual([endedAt, placements.storefront.timeline], [0, []]);
    assert.equal(placements.storefront.outcome, 'Succeeded');
  }
});

test('a failing cluster pauses, a fix goes on, and the json tells outcome, stages, timeline, clusters and slots', async () => {
  const { code, stdout, stderr } = await rehearse(`  clusters:
    - { selector: "ring=canary", outcome: current, after: 30s }
    - { name: prod-us-1, outcome: failed, after: 1m, message: ImagePullBackOff, revision: HEAD~1 }
  events:
    - { at: 45m, approve: { placement: storefront, stage: early, by: alice, groups: [oncall] } }
    - { at: 2h, commit: HEAD }
    - { at: 3h, approve: { placement: storefront, stage: early, by: alice, groups: [oncall] } }
`);
  assert.deepEqual([code, stderr], [0, '']);
  const { placements, endedAt } = JSON.parse(stdout);
  const { storefront } = placements;
  const [to, head] = (await git(['log', '-2', '--format=%H'], { cwd: dir })).trim().split('\n').reverse();
  assert.equal(storefront.outcome, 'Succeeded');
  assert.equal(endedAt, 3 * 3_600 + 60);
  assert.deepEqual(storefront.stages[0], { name: 'canary', startedAt: 7200, passedAt: 9030, reason: null });
  assert.deepEqual(storefront.clusters['prod-us-1'], { revision: head, state: 'Current' });
  assert.deepEqual(storefront.maxInFlight, { canary: 3, early: 1, rest: 1 });
  const failed = storefront.timeline.find(({ what }: { what: string }) => what === 'failed');
  assert.deepEqual(failed, {
    at: 45 * 60 + 20 + 120,
    cluster: 'prod-us-1',
    stage: 'early',
    revision: to,
    what: 'failed',
    reason: 'ImagePullBackOff',
  });
  const whats = storefront.timeline.map(({ what }: { what: string }) => what);
  for (const what of [
    'stageStarted',
    'started',
    'gateWaiting',
    'approved',
    'gateOpened',
    'paused',
    'superseded',
  ])
    assert.ok(whats.includes(what), what);
  assert.equal(placements.ledger.outcome, 'Succeeded');
  assert.deepEqual(placements.ledger.timeline, []);
});

test('clusters join, leave and are relabelled under way', async () => {
  const { stdout, stderr } = await rehearse(`  events:
    - { at: 1m, leave: prod-eu-2 }
    - at: 2m
      join:
        apiVersion: flotilla.dev/v1alpha1
        kind: Cluster
        metadata: { name: prod-eu-9, labels: { env: prod, region: eu, ring: canary } }
        spec:
          agent: { publicKeys: [UCRGMEKDIEMZJUJCCPZBJDT6E6GGSR2KRRPPPEGR2H2KEU6FZZAN3CLY] }
          values: { domain: eu9.acme.example }
    - { at: 3m, relabel: { name: prod-us-1, labels: { env: prod, region: us, ring: broad } } }
    - { at: 1h, approve: { placement: storefront, stage: nowhere, groups: [oncall] } }
`);
  assert.equal(stderr, '');
  const { storefront } = JSON.parse(stdout).placements;
  const told = storefront.timeline.map(
    ({ what, cluster }: { what: string; cluster?: string }) => `${what} ${cluster ?? ''}`,
  );
  for (const one of ['left prod-eu-2', 'joined prod-eu-9', 'relabelled prod-us-1'])
    assert.ok(told.includes(one), one);
  assert.equal(storefront.clusters['prod-eu-2'], undefined);
  assert.equal(storefront.outcome, 'Succeeded', JSON.stringify(storefront.waiting));
  const [, to] = (await git(['log', '-2', '--format=%H'], { cwd: dir })).trim().split('\n');
  assert.deepEqual(storefront.clusters['prod-eu-9'], { revision: to, state: 'Current' });
  const { reason } = storefront.timeline.find(({ what }: { what: string }) => what === 'refused');
  assert.equal(reason, 'approve: storefront has no stage nowhere; it has canary, early, rest');
});

test('what was aborted is not pinned to where it had not come, as a hub would refuse it', async () => {
  const { stdout } = await rehearse(`  events:
    - { at: 45m, abort: { placement: storefront } }
    - { at: 1h, pin: { placement: storefront, name: prod-us-1, revision: HEAD~1 } }
    - { at: 2h, pin: { placement: storefront, name: prod-us-1, revision: HEAD~2 } }
`);
  const { timeline, clusters } = JSON.parse(stdout).placements.storefront;
  const told = (wanted: string) => timeline.filter(({ what }: { what: string }) => what === wanted);
  const [refused, ...more] = told('refused');
  assert.match(
    refused.reason,
    /^pin: what \w{7} gives prod-us-1 was aborted: .*rollout retry storefront@\w{7}/,
  );
  assert.deepEqual([more, told('pinned').length], [[], 1]);
  const [from] = (await git(['log', '-3', '--format=%H'], { cwd: dir })).trim().split('\n').reverse();
  assert.equal(clusters['prod-us-1'].revision, from);
});

test('what is wrong with a scenario is told with file, line and column, all at once, and nothing is played', async () => {
  const { code, stdout, stderr } = await rehearse(`  clusters:
    - { selector: "ring==", outcome: curent }
    - { percent: 120, outcome: failed }
    - { name: c1, outcome: degraded }
    - { name: c1, outcome: failed, revison: HEAD }
  events:
    - { at: soon, commit: HEAD }
    - { at: 1m }
    - { at: 1m, leave: a, commit: HEAD }
`);
  assert.deepEqual([code, stdout], [1, '']);
  const file = join(scratch.dir, 'scenario.yaml');
  const lines = stderr.trim().split('\n');
  for (const line of lines) assert.ok(line.startsWith(`${file}:`), line);
  for (const said of [
    /:5:\d+: error: .*did you mean current\?/,
    /:6:\d+: error: .*is more than all: 100 is the most/,
    /:7:\d+: error: .*degraded needs `at`/,
    /:8:\d+: error: unknown key .*did you mean spec.clusters\[3\].revision|revision/,
    /:10:\d+: error: .*not a duration/,
    /:11:\d+: error: .*takes exactly one of/,
    /:12:\d+: error: .*has commit and leave/,
  ])
    assert.match(stderr, said);
});

test('names that do not exist, events out of order and revisions that are not newer are refused', async () => {
  const names = await rehearse(`  clusters:
    - { name: prod-eu-1, outcome: failed, revision: HEAD }
`);
  assert.equal(names.code, 1);
  assert.match(names.stderr, /:5:\d+: error: .*HEAD is neither --from nor --to/);
  const order = await rehearse(`  events:
    - { at: 2m, leave: prod-eu-11 }
    - { at: 1m, pause: { placement: storefrnt } }
`);
  assert.match(order.stderr, /:5:\d+: error: .*no cluster prod-eu-11; did you mean prod-eu-1\?/);
  assert.match(order.stderr, /:6:\d+: error: .*1m comes before the event above it/);
  assert.match(order.stderr, /:6:\d+: error: .*no placement storefrnt; did you mean storefront\?/);
  const back = await rehearse('  events:\n    - { at: 2m, commit: HEAD~2 }\n');
  assert.equal(back.code, 2);
  assert.match(back.stderr, /revision HEAD~2 is not newer than HEAD~1/);
  const seed = await flotilla(scratch, dir, 'rehearse --seed two');
  assert.deepEqual(
    [seed.code, seed.stderr.split('\n')[0]],
    [64, 'flotilla: --seed two is not a whole number'],
  );
});

test('what the hub would hold is held: a removal that no commit approves, and what is not valid', async () => {
  await edit(dir, 'placements/storefront.yaml', 'selector: {}', 'selector: { matchLabels: { env: dev } }');
  await commit(dir, 'The shop in development only');
  const held = await flotilla(scratch, dir, 'rehearse');
  assert.match(held.stdout, /held until removal r\w+ is approved/);
  assert.doesNotMatch(held.stdout, / removed /);
  const [hash] = /r[0-9a-f]{15}/.exec(held.stdout)!;
  await edit(
    dir,
    'placements/storefront.yaml',
    'spec:\n',
    `spec:\n  approvals: [{ removal: ${hash}, until: 2100-01-01 }]\n`,
  );
  await commit(dir, 'Let it go');
  const approved = await flotilla(scratch, dir, 'rehearse --from HEAD~2');
  assert.match(approved.stdout, / removed .*prod-eu-1/);
});
