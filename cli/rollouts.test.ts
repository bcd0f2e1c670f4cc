import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RunningApi } from '#hub/api/server.ts';
import { acmeRolling } from '#hub/api/testing/api.ts';
import { serve } from '#hub/api/testing/serve.ts';
import { GATE_STATES } from '#hub/core/view/rollouts/gates.ts';
import { NONE } from '#hub/core/view/rollouts/progress.ts';
import { oid } from '#hub/core/view/testing/fleet.ts';
import { eventually, PATIENCE_MS } from '#test/bed/eventually.ts';
import { barOf, gatesText } from './rollouts/lanes.ts';
import { Live } from './rollouts/live.ts';
import { gateLegend, gateText } from './rollouts/looks.ts';
import { run, show, start } from './testing/hub.ts';
import { relayTo } from './testing/relay.ts';

const SHORT = oid('head').slice(0, 7);
const fleet = acmeRolling();
let api: RunningApi;
before(async () => {
  api = await serve(fleet.view);
});
after(() => api.stop());

const shown = (line: string) => show(api.url, line.split(' '), false, fleet.world.now);
const flotilla = (line: string) => run(api.url, line.split(' '));

test('get rollouts lists what is under way and the newest of each placement; --all what is over, too', async () => {
  assert.equal(
    await shown('get rollouts'),
    `NAME               PHASE       CLUSTERS   STAGE      AGE   WAITING FOR
shop@${SHORT}       ◔ SOAKING   1 of 1     all 1/1    15m   all: soaking for 1h
platform@${SHORT}   ‖ PAUSED    1 of 3     prod 2/2   15m   paused by carol: a release party; ends by itself in 60m
`,
  );
  const { items } = JSON.parse((await flotilla('get rollouts --placement platform -o json')).stdout);
  assert.deepEqual(
    items.map(({ phase, placement, commit }: Record<string, string>) => [placement, phase, commit]),
    [
      ['platform', 'PAUSED', 'head'],
      ['platform', 'SUCCEEDED', null],
      ['platform', 'SUCCEEDED', 'first'],
    ],
  );
  assert.match(await shown('get rollouts --all -o name'), /^rollout\/shop@.*\nrollout\/platform@/);
  const one = JSON.parse((await flotilla(`get rollout platform@${SHORT} -o json`)).stdout);
  assert.deepEqual([one.change, one.progress.blocked], [SHORT, 1]);
});

test('get changes lists commits with their placements in one phase', async () => {
  const text = await shown('get changes');
  assert.match(text, new RegExp(`^${SHORT} +‖ PAUSED +2 of 4 +platform,shop +15m +Ada +head$`, 'm'));
  const { code, stderr } = await flotilla(`get changes ${SHORT.slice(0, 6)}x`);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`did you mean ${SHORT}`));
});

test('get approvals says what to type, who may and what was given; --all shows what was decided', async () => {
  assert.match(
    await shown('get approvals'),
    new RegExp(
      `^platform/prod@${SHORT} +STAGE +PENDING +platform +2 +4m +flotilla approve platform/prod@${SHORT} --reason … \\(2 by platform-oncall, 1 given\\)$`,
      'm',
    ),
  );
  assert.match(await shown('get approvals --all -o wide'), /APPROVED .* bob, carol +prod of platform wants/);
});

test('rollout status is everything of a rollout on one screen, and answers with its exit code when asked to', async () => {
  assert.equal(
    await shown('rollout status platform'),
    `platform@${SHORT} "head" by Ada
‖ PAUSED: by carol: a release party · 1 of 3 clusters (33.3%) · started 15m ago · the pause ends in 60m · after ${oid('middle').slice(0, 7)}

STAGE   PHASE         CLUSTERS               WHEN            GATES
dev     ✔ SUCCEEDED   1 current              passed 4m ago   ● soak
prod    ‖ PAUSED      1 waiting, 1 blocked   for 4m          ◇ approval: 1 of 2 given, by bob; platform-oncall may; not by an author of the commits
gates: ● open, ◇ waited for

waiting for
  paused by carol: a release party; ends by itself in 60m

NOT THERE   STAGE   STATE       SINCE   WHY
prod-us-1   prod    ⊘ BLOCKED   4m      held by bob: repair
`,
  );
  const change = await shown(`rollout status ${SHORT}`);
  assert.ok(change.includes(`platform@${SHORT}`) && change.includes(`shop@${SHORT}`));
  assert.equal((await flotilla('rollout status platform --exit-code')).code, 1);
  assert.equal((await flotilla(`rollout status platform@${oid('middle').slice(0, 7)} --exit-code`)).code, 0);
  const { stages, notThere } = JSON.parse((await flotilla('rollout status platform -o json')).stdout);
  assert.deepEqual([stages.length, notThere[0].message], [2, 'held by bob: repair']);
});

test('each state of a gate has a sign of its own, and what was skipped or denied a word', () => {
  const gate = { kind: 'SOAK', when: 'AFTER', opensAt: null, message: null, approval: null };
  const gates = GATE_STATES.map((state) => ({ ...gate, state }));
  const told = gates.map((one) => gateText(one, 0, String));
  assert.deepEqual(told, ['◇ soak', '● soak', '○ soak', '» soak skipped', '✖ soak denied']);
  assert.equal(gateText({ ...gates[4]!, message: 'by carol: no' }, 0, String), '✖ soak denied: by carol: no');
  assert.equal(
    gateText({ ...gates[3]!, message: 'skipped by expedite' }, 0, String),
    '» soak: skipped by expedite',
  );
  assert.equal(gateLegend(gates), 'gates: ● open, ◇ waited for, ○ not yet, » skipped, ✖ denied\n');
  assert.equal(gateLegend([]), '');
});

test('status tells of a newest rollout that was stopped, and of the ways on', async () => {
  const other = acmeRolling();
  other.order({ placement: 'shop', order: { kind: 'abort', by: 'carol', reason: 'no' } });
  const served = await serve(other.view);
  try {
    const { stdout } = await run(served.url, ['status']);
    assert.match(stdout, /^DID NOT ARRIVE +PHASE +CLUSTERS +ENDED +WHY$/m);
    assert.match(stdout, /^shop@\w+ +■ ABORTED .*aborted by carol: no$/m);
    assert.match(stdout, /^a newer commit goes on, or `flotilla rollout retry shop@\w+`$/m);
    const one = await run(served.url, ['rollout', 'status', 'shop']);
    assert.match(one.stdout, /^■ ABORTED: aborted by carol: no · \d+ of \d+ clusters · /m);
  } finally {
    await served.stop();
  }
});

test('status shows banners and what is under way with what it waits for', async () => {
  const text = await shown('status');
  assert.ok(
    text.startsWith(
      '⊘ FREEZE   nothing new starts on region=eu (2 clusters), by dora: Black Friday (24h to go)\n',
    ),
  );
  assert.match(text, /^⊘ PAUSE {3}nothing new starts in platform, by carol: a release party \(60m to go\)$/m);
  assert.match(text, /^UNDER WAY +PHASE +CLUSTERS +AGE +WAITING FOR$/m);
  assert.match(
    text,
    /^platform@.* ‖ PAUSED +1 of 3 +15m +paused by carol: a release party; ends by itself in 60m$/m,
  );
  assert.match(text, /to approve, flotilla approve platform\/prod@/);
  const { rollouts, fleet: told } = JSON.parse((await flotilla('status -o json')).stdout);
  assert.deepEqual([rollouts.count, told.banners.length], [2, 3]);
});

test('why --live tells why this revision, why not the newer one, and what is awaited', async () => {
  const text = await shown('why prod-us-1 platform --live');
  assert.match(text, /^platform on prod-us-1\n {2}it is in prod, stage 2 of 2/);
  assert.match(text, new RegExp(`^ {2}${SHORT} is newer, and prod works on it \\(Paused\\)$`, 'm'));
  assert.match(text, /^ {2}◇ held by bob: repair$/m);
  const { code, stderr } = await flotilla('why prod-us-9 --live');
  assert.deepEqual([code, /did you mean prod-us-1/.test(stderr)], [1, true]);
  assert.match((await flotilla('why prod-us-1 --live --rev HEAD')).stderr, /one of them/);
});

for (const [line, code, told] of [
  ['rollout', 64, 'rollout what?'],
  ['rollout stats platform', 64, 'did you mean status?'],
  ['rollout status', 64, 'rollout status of what?'],
  ['rollout status platfrom', 1, 'did you mean platform?'],
  ['rollout status platform@0000000', 1, 'rollout platform@0000000 does not exist'],
  ['rollout watch shop -o json', 64, '-o belongs to rollout status'],
  ['get clusters --all', 64, '--all belongs to get rollouts'],
] as const) {
  test(`${line}: exit ${code}, "${told}"`, async () => {
    const result = await flotilla(line);
    assert.equal(result.code, code, result.stderr);
    assert.ok(result.stderr.includes(told), result.stderr);
    assert.equal(result.stdout, '');
  });
}

test('rollout watch prints a line for each thing that happens, and ends with the rollout', async () => {
  const other = acmeRolling();
  const served = await serve(other.view);
  try {
    const { child, told, ended } = start(served.url, ['rollout', 'watch', 'platform']);
    await until(() => told.stdout.includes('paused by carol: a release party'));
    other.order({ placement: 'platform', order: { kind: 'resume', by: 'carol' } });
    await until(() => told.stdout.includes('resumed by carol'));
    for (const by of ['erin', 'frank'])
      if (other.view.rollouts.approvals('platform')[0]?.state === 'PENDING')
        other.order({
          placement: 'platform',
          order: { kind: 'approve', stage: 'prod', by, groups: ['platform-oncall'] },
        });
    other.order({ kind: 'unfreeze', whom: { selector: { matchLabels: { region: 'eu' } } }, by: 'dora' });
    other.order({ kind: 'release', cluster: 'prod-us-1', by: 'bob' });
    other.pass(60_000);
    assert.equal(await ended, 0, told.stderr);
    const lines = told.stdout.trimEnd().split('\n');
    assert.match(lines[0]!, /Z {2}platform@\w+ {2}· dev stage started$/);
    assert.match(lines.at(-1)!, /✔ succeeded$/);
    assert.equal(new Set(lines).size, lines.length, 'nothing is told twice');
    child.kill();
  } finally {
    await served.stop();
  }
});

test('rollout watch ends with 1 when the rollout did not succeed', async () => {
  const other = acmeRolling();
  const served = await serve(other.view);
  try {
    const { told, ended } = start(served.url, ['rollout', 'watch', 'shop']);
    await until(() => told.stdout.includes('current'));
    other.order({ placement: 'shop', order: { kind: 'abort', by: 'carol', reason: 'no' } });
    assert.equal(await ended, 1, told.stderr);
    assert.match(told.stdout, /■ .*aborted by carol: no/);
  } finally {
    await served.stop();
  }
});

test('rollout watch waits for a hub that goes away in the middle of telling', async () => {
  const other = acmeRolling();
  let served = await serve(other.view);
  try {
    const port = Number(new URL(served.url).port);
    const { told, ended } = start(served.url, ['rollout', 'watch', 'shop']);
    await until(() => told.stdout.includes('current'));
    await served.stop();
    await until(() => told.stderr.includes('waiting for it'));
    served = await serve(other.view, { listen: { port } });
    await until(() => told.stderr.includes('answers again'));
    other.order({ placement: 'shop', order: { kind: 'abort', by: 'carol', reason: 'no' } });
    assert.equal(await ended, 1, told.stderr);
    assert.match(told.stderr, /^(.*waiting for it\n.*answers again\n)+$/);
  } finally {
    await served.stop();
  }
});

test('rollout watch says how old is what it shows while a hub stands still with its connections open, and goes on', async () => {
  const other = acmeRolling();
  const served = await serve(other.view);
  try {
    await using relay = await relayTo(served.url);
    const { told, ended } = start(relay.url, ['rollout', 'watch', 'shop']);
    await until(() => told.stdout.includes('current'));
    relay.stall();
    await until(() => told.stderr.includes('waiting for it'));
    assert.match(
      told.stderr,
      /does not answer \(no answer in 3 s\): .*; what is told is \d+s old \(\d\d:\d\d:\d\dZ\); waiting for it\n$/,
    );
    other.order({ placement: 'shop', order: { kind: 'abort', by: 'carol', reason: 'no' } });
    relay.goOn();
    assert.equal(await ended, 1, told.stderr);
    assert.match(told.stderr, /answers again\n$/);
    assert.match(told.stdout, /aborted by carol: no/);
  } finally {
    await served.stop();
  }
});

test('what is watched says when a hub stands still', async () => {
  const served = await serve(fleet.view);
  try {
    await using relay = await relayTo(served.url);
    const { told, child, ended } = start(relay.url, ['get', 'rollouts', '-w']);
    await until(() => told.stdout.includes('platform'));
    relay.stall();
    await until(() => told.stderr.includes('waiting for it'));
    assert.match(
      told.stderr,
      /^hub \S+ has not answered for 5s; what is shown is \d+s old; waiting for it\n$/,
    );
    relay.goOn();
    await until(() => told.stderr.endsWith('answers again\n'));
    child.kill('SIGINT');
    assert.equal(await ended, 130);
  } finally {
    await served.stop();
  }
});

test('the live view goes back over its own lines only, and gives the cursor back', () => {
  let text = '';
  const live = new Live({
    out: (more) => {
      text += more;
    },
  });
  live.draw(['one', 'two']);
  live.draw(['three']);
  live.end();
  live.end();
  assert.equal(
    text,
    '\u001b[?25l\r\u001b[2Kone\n\u001b[2Ktwo\n\u001b[J\u001b[2A\r\u001b[2Kthree\n\u001b[J\u001b[?25h',
  );
});

test('a bar is always as wide, and shows a single failure among ten thousand', () => {
  const none = { ...NONE, percent: 0 };
  for (const counts of [
    { current: 10_000, failed: 1 },
    { waiting: 3 },
    { current: 1, failed: 1, offline: 1, applying: 1, waiting: 1 },
  ])
    assert.equal([...barOf({ ...none, ...counts }, false)].length, 24);
  assert.ok(barOf({ ...none, current: 10_000, failed: 1 }, false).includes('✖'));
});

test('in a narrow terminal a bar is shorter, and gates and reasons are folded', () => {
  const none = { ...NONE, percent: 0 };
  assert.equal([...barOf({ ...none, current: 3, failed: 1 }, false, 6)].length, 6);
  const gates = ['◇ approval: 1 of 2 given, by bob', '○ soak'];
  const lines = gatesText(gates, '    ', 30);
  assert.deepEqual(lines, ['    ◇ approval: 1 of 2 given,', '    by bob', '    ○ soak']);
  assert.deepEqual(gatesText(gates, '  ', 80), ['  ◇ approval: 1 of 2 given, by bob   ○ soak']);
  assert.ok(lines.every((line) => line.length < 30));
});

const until = (holds: () => boolean) =>
  eventually('it', async () => holds() || undefined, PATIENCE_MS, new AbortController().signal);
