import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oid, START } from '../core/view/testing/fleet.ts';
import { idOf } from './ids.ts';
import { acmeRolling, apiOf } from './testing/api.ts';
import { GATE_ID, orders } from './testing/orders.ts';

const SHORT = oid('head').slice(0, 7);
const MINUTE = 60_000;

test('a rollout is told with its stages, gates, targets, and words for what it waits for', async () => {
  const { view } = acmeRolling();
  const { data } = apiOf(view);
  const { rollouts } = await data(`{ rollouts(filter: { placement: "platform" }) { totalCount nodes {
    alias phase reason waitingFor startedAt finishedAt eta version { shortOid commit { headline } } previous { oid }
    change { alias } placement { name } progress { total current waiting blocked percent }
    stages { name phase startedAt passedAt progress { total } gates { kind when state opensAt message approval { alias state } } }
  } } }`);
  assert.equal(rollouts.totalCount, 3);
  const [newest, before] = rollouts.nodes;
  assert.deepEqual(
    { ...newest, stages: newest.stages.length, startedAt: undefined },
    {
      alias: `platform@${SHORT}`,
      phase: 'PAUSED',
      reason: 'by carol: a release party',
      waitingFor: ['paused by carol: a release party; ends by itself in 60m'],
      startedAt: undefined,
      finishedAt: null,
      eta: null,
      version: { shortOid: SHORT, commit: { headline: 'head' } },
      previous: { oid: oid('middle') },
      change: { alias: SHORT },
      placement: { name: 'platform' },
      progress: { total: 3, current: 1, waiting: 1, blocked: 1, percent: 33.3 },
      stages: 2,
    },
  );
  const [dev, prod] = newest.stages;
  assert.deepEqual([dev.phase, dev.gates[0].kind, dev.gates[0].state], ['SUCCEEDED', 'SOAK', 'OPEN']);
  assert.equal(Date.parse(dev.passedAt) - Date.parse(dev.startedAt), 10 * MINUTE + 20_000);
  assert.deepEqual(
    { ...prod.gates[0], message: prod.gates[0].message.slice(0, 20) },
    {
      kind: 'APPROVAL',
      when: 'BEFORE',
      state: 'WAITING',
      opensAt: null,
      message: '1 of 2 given, by bob',
      approval: { alias: `platform/prod@${SHORT}`, state: 'PENDING' },
    },
  );
  assert.deepEqual([before.phase, before.finishedAt !== null], ['SUCCEEDED', true]);
});

test('targets are filtered by stage and state, paged, and say why they do not move', async () => {
  const { view } = acmeRolling();
  const { data } = apiOf(view);
  const id = idOf('Rollout', 'platform', oid('head'));
  const ask = (args: string) =>
    data(`{ rollout(id: "${id}") { targets(${args}) { totalCount pageInfo { hasNextPage endCursor }
      nodes { name stage state message cluster { name } } } } }`);
  const first = (await ask('first: 2')).rollout.targets;
  assert.deepEqual(
    [first.totalCount, first.nodes.map((node: { name: string }) => node.name)],
    [3, ['dev-eu-1', 'prod-eu-1']],
  );
  const next = (await ask(`first: 2, after: "${first.pageInfo.endCursor}"`)).rollout.targets;
  assert.deepEqual([next.pageInfo.hasNextPage, next.nodes[0].name], [false, 'prod-us-1']);
  const blocked = (await ask('stage: "prod", state: [BLOCKED]')).rollout.targets;
  assert.deepEqual(blocked.nodes, [
    {
      name: 'prod-us-1',
      stage: 'prod',
      state: 'BLOCKED',
      message: 'held by bob: repair',
      cluster: { name: 'prod-us-1' },
    },
  ]);
});

test('the timeline of a rollout is paged, the newest first', async () => {
  const { view } = acmeRolling();
  const { data } = apiOf(view);
  const id = idOf('Rollout', 'platform', oid('middle'));
  const seen: string[] = [];
  for (let after: string | null = null; ; ) {
    const { rollout } = await data(
      `query ($after: String) { rollout(id: "${id}") { events(first: 4, after: $after) {
        nodes { at type stage cluster by reason } pageInfo { hasNextPage endCursor } } } }`,
      { after },
    );
    seen.push(...rollout.events.nodes.map(({ type }: { type: string }) => type));
    if (!rollout.events.pageInfo.hasNextPage) break;
    after = rollout.events.pageInfo.endCursor;
  }
  assert.deepEqual([seen[0], seen.at(-1)], ['SUCCEEDED', 'STAGE_TOOK']);
  assert.equal(seen.filter((type) => type === 'APPROVED').length, 2);
});

test('a change is a commit with all its rollouts, found by alias, by HEAD and from its commit', async () => {
  const { view } = acmeRolling();
  const { data } = apiOf(view);
  const fields = 'alias phase rollouts { alias phase } approvals { alias } progress { total }';
  const { byAlias, byRev, commit, none } = await data(`{
    byAlias: change(alias: "${SHORT}") { ${fields} } byRev: change(rev: "HEAD") { alias }
    commit(rev: "HEAD") { change { alias } } none: change(alias: "nothing") { alias }
  }`);
  assert.deepEqual(byAlias, {
    alias: SHORT,
    phase: 'PAUSED',
    rollouts: [
      { alias: `platform@${SHORT}`, phase: 'PAUSED' },
      { alias: `shop@${SHORT}`, phase: 'SOAKING' },
    ],
    approvals: [{ alias: `platform/prod@${SHORT}` }],
    progress: { total: 4 },
  });
  assert.deepEqual([byRev.alias, commit.change.alias, none], [SHORT, SHORT, null]);
  const { changes } = await data('{ changes(first: 2) { totalCount nodes { alias phase finishedAt } } }');
  assert.deepEqual([changes.totalCount, changes.nodes[0].alias], [3, SHORT]);
});

test('approvals of stages stand beside those of deletions, with who decided and until when it counts', async () => {
  const { view, world } = acmeRolling();
  const { data } = apiOf(view);
  const { approvals } = await data(`{ approvals(kind: [STAGE]) { nodes {
    id alias state stage groups count authors reason clusterCount clusters { nodes { name } } expiresAt
    decisions { by approved reason } rollout { alias } setHash commit { item }
  } } }`);
  const [{ id, ...pending }, decided] = approvals.nodes;
  assert.deepEqual(pending, {
    alias: `platform/prod@${SHORT}`,
    state: 'PENDING',
    stage: 'prod',
    groups: ['platform-oncall'],
    count: 2,
    authors: ['Ada'],
    reason: 'prod of platform wants 2 approvals by platform-oncall before anything starts',
    clusterCount: 2,
    clusters: { nodes: [{ name: 'prod-eu-1' }, { name: 'prod-us-1' }] },
    expiresAt: pending.expiresAt,
    decisions: [{ by: 'bob', approved: true, reason: 'looks good' }],
    rollout: { alias: `platform@${SHORT}` },
    setHash: null,
    commit: null,
  });
  assert.ok(Date.parse(pending.expiresAt) > world.now);
  assert.equal(decided.state, 'APPROVED');
  const { node, pendingOnly } = await data(`{
    node(id: "${id}") { ... on Approval { alias } }
    pendingOnly: approvals(state: [PENDING]) { totalCount }
  }`);
  assert.deepEqual([node.alias, pendingOnly.totalCount], [pending.alias, 1]);
});

test('a placement tells its strategy and where its stages stand; an assignment its stage', async () => {
  const { view } = acmeRolling();
  const { data } = apiOf(view);
  const { placement, assignment, fleet } = await data(`{
    placement(name: "platform") { strategy stages { name index clusterCount working { oid } passed { oid }
      pause { cause by reason until } } rollouts(first: 1) { nodes { phase pausedUntil } } }
    assignment(cluster: "prod-us-1", placement: "platform") { stage }
    fleet { banners { kind message by reason } }
  }`);
  assert.equal(placement.strategy, 'standard');
  assert.deepEqual(
    placement.stages.map((stage: { pause: { until: string } }) => ({
      ...stage,
      pause: stage.pause && { ...stage.pause, until: undefined },
    })),
    [
      {
        name: 'dev',
        index: 0,
        clusterCount: 1,
        working: null,
        passed: { oid: oid('head') },
        pause: { cause: 'OPERATOR', by: 'carol', reason: 'a release party', until: undefined },
      },
      {
        name: 'prod',
        index: 1,
        clusterCount: 2,
        working: { oid: oid('head') },
        passed: { oid: oid('middle') },
        pause: { cause: 'OPERATOR', by: 'carol', reason: 'a release party', until: undefined },
      },
    ],
  );
  const { until } = placement.stages[1].pause;
  assert.ok(until !== null);
  assert.deepEqual(placement.rollouts.nodes, [{ phase: 'PAUSED', pausedUntil: until }]);
  assert.equal(assignment.stage, 'prod');
  assert.deepEqual(fleet.banners, [
    {
      kind: 'FREEZE',
      message: 'nothing new starts on region=eu (2 clusters)',
      by: 'dora',
      reason: 'Black Friday',
    },
    { kind: 'HOLD', message: 'nothing is written on prod-us-1', by: 'bob', reason: 'repair' },
    { kind: 'PAUSE', message: 'nothing new starts in platform', by: 'carol', reason: 'a release party' },
  ]);
});

test('an assignment is explained in words', async () => {
  const { view } = acmeRolling();
  const { data } = apiOf(view);
  const { explain, none } = await data(`{
    explain(cluster: "prod-us-1", placement: "platform") { stage desired { revision { oid } }
      candidate { revision { oid } } steps waitingFor assignment { cluster { name } } }
    none: explain(cluster: "nowhere", placement: "platform") { stage }
  }`);
  assert.equal(none, null);
  assert.deepEqual(
    [explain.stage, explain.desired.revision.oid, explain.candidate.revision.oid],
    ['prod', oid('middle'), oid('head')],
  );
  assert.match(explain.steps[0], /^it is in prod, stage 2 of 2 of strategy standard/);
  assert.deepEqual(explain.waitingFor.slice(0, 2), [
    'held by bob: repair',
    'paused by carol: a release party; ends by itself in 60m',
  ]);
});

test('filters select rollouts by phase, revision, time and the clusters that they change', async () => {
  const { view } = acmeRolling();
  const { data } = apiOf(view);
  const aliases = async (filter: string) =>
    (await data(`{ rollouts(filter: ${filter}) { nodes { alias } } }`)).rollouts.nodes.map(
      ({ alias }: { alias: string }) => alias.replace(/@.*/, ''),
    );
  assert.deepEqual(await aliases('{ phase: [PAUSED, SOAKING] }'), ['shop', 'platform']);
  assert.deepEqual(await aliases(`{ revision: "${oid('middle')}" }`), ['platform']);
  assert.deepEqual(await aliases('{ cluster: "dev-eu-1", phase: [PAUSED] }'), ['platform']);
  assert.deepEqual(await aliases(`{ since: "${new Date(START + 10_000).toISOString()}" }`), [
    'shop',
    'platform',
  ]);
});

test('whoever watches a rollout is told at once, and again when it changes', async () => {
  const { view, order } = acmeRolling();
  const { post } = apiOf(view);
  const gone = new AbortController();
  const id = idOf('Rollout', 'platform', oid('head'));
  const response = await post(
    { query: `subscription { rollout(id: "${id}") { phase } }` },
    { accept: 'text/event-stream' },
    gone.signal,
  );
  let text = '';
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  const until = async (words: RegExp) => {
    while (!words.test(text)) text += decoder.decode((await reader.read()).value, { stream: true });
  };
  await until(/"phase":"PAUSED"/);
  order({ placement: 'platform', order: { kind: 'resume', by: 'carol' } });
  await until(/"phase":"AWAITING_APPROVAL"/);
  await reader.cancel();
  assert.equal(view.rollouts.listeners, 0);
  const { errors } = await apiOf(view).ask(
    `subscription { rollout(id: "${idOf('Rollout', 'no', 'x')}") { phase } }`,
  );
  assert.match(errors![0]!.message, /id names no rollout/);
});

test('who asks learns which approvals are theirs to give: in the group, permitted, no author, not given yet', async () => {
  const { data, order } = orders();
  const mine = async (who?: string) => {
    const answer = await data(
      `{ mine: approvals(mine: true) { totalCount } approvals { nodes { viewerCanDecide } } }`,
      {},
      who,
    );
    const can = answer.approvals.nodes.filter((node: { viewerCanDecide: boolean }) => node.viewerCanDecide);
    assert.equal(answer.mine.totalCount, can.length);
    return can.length;
  };
  assert.deepEqual(
    await Promise.all(['alice', 'olga', 'ada', 'anon', 'dora', undefined].map(mine)),
    [2, 0, 0, 0, 0, 0],
  );
  await order(`decideApproval approvalId: "${GATE_ID}" approve: true reason: "ok"`, 'alice');
  assert.deepEqual([await mine('alice'), await mine('bob')], [1, 2]);
});
