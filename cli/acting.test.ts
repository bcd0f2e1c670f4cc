import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RunningApi } from '#hub/api/server.ts';
import { orders, tokenOf } from '#hub/api/testing/orders.ts';
import { serve } from '#hub/api/testing/serve.ts';
import { oid } from '#hub/core/view/testing/fleet.ts';
import { run, runHere } from './testing/hub.ts';

let fleet: ReturnType<typeof orders>;
let api: RunningApi;
before(async () => {
  fleet = orders();
  const { view, operations, authenticate } = fleet;
  api = await serve(view, { operations, authenticate });
});
after(() => api.stop());

/** Words, of which one in quotes may have blanks. */
const words = (line: string) =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
const flotilla = (who: string, line: string) =>
  runHere(api.url, words(line), { token: who === '-' ? undefined : tokenOf(who) });
const change = () => fleet.view.aliasOf(oid('two'));

test('what nobody can be asked about is told, and not done without --yes', async () => {
  const stood = fleet.decided();
  const { code, stdout, stderr } = await flotilla('olga', 'rollout pause shop --reason lunch');
  assert.deepEqual([code, stdout], [64, '']);
  assert.match(stderr, /^pause shop@\w+ "two", AWAITING_APPROVAL: 1 of 3 clusters done, stages dev, prod\n/);
  assert.match(stderr, /nothing new starts; what is under way finishes\n.*repeat with --yes/s);
  assert.ok(fleet.decided() === stood);
});

const [FIRST, TWO] = ['first', 'two'].map((word) => oid(word).slice(0, 7)) as [string, string];
const overFor = (act: string) =>
  `rollout ${act.replace(/ |$/, ` shop@${FIRST} `)} --reason x -y`.replaceAll('  ', ' ');

for (const [who, line, code, told] of [
  ['-', 'rollout pause shop --reason lunch --yes', 4, 'orders need a token'],
  [
    'nobody',
    'rollout pause shop --reason lunch --yes',
    4,
    'does not let you in (token is unknown to this hub',
  ],
  ['alice', 'rollout pause shop --reason lunch --yes', 4, 'access/ gives oncall no pause'],
  ['olga', 'rollout pause shop --yes', 64, '--reason is missing: say why'],
  ['olga', 'rollout puase shop', 64, 'did you mean pause?'],
  ['olga', 'rollout abort shop --for 2h --reason x -y', 64, '--for belongs to rollout pause'],
  ['olga', 'rollout status shop --reason x', 64, '--reason belongs to pause, resume'],
  ['olga', 'rollout expedite shop --reason x -y', 64, 'which stage is not to wait? --stage NAME'],
  ['olga', 'rollout expedite shop --stage prod --reason x -y', 64, 'what is it not to wait for? --skip soak'],
  [
    'olga',
    'rollout expedite shop --stage prd --skip soak --reason x -y',
    1,
    'has no stage prd; it has dev, prod',
  ],
  ['olga', 'rollout resume shop --reason x -y', 1, 'shop is not paused'],
  ['olga', 'rollout abort shpo --reason x -y', 1, 'did you mean shop?'],
  ['olga', 'rollout pause shop --until 2020-01-01 --reason x -y', 64, '--until 2020-01-01 is over'],
  ['olga', 'rollout pause shop --for soon --reason x -y', 64, '--for soon is not a duration such as 30s'],
  [
    'olga',
    'approve shpo/prod --reason x -y',
    1,
    'no approval that waits and no change is called "shpo/prod"',
  ],
  ['olga', 'hold dev-1 --reason x -y', 64, 'how long? --for 2h, or --until TIME'],
  ['olga', 'hold dev-7 --for 1h --reason x -y', 1, 'there is no cluster dev-7; did you mean dev-1?'],
  ['olga', 'release dev-1 --reason x -y', 1, 'dev-1 is not held'],
  ['olga', 'freeze -l evn=dev --for 1h --reason x -y', 64, 'no cluster has a label evn; did you mean env?'],
  ['olga', 'freeze --for 1h --reason x -y', 64, 'which clusters? -l SELECTOR'],
  ['olga', 'freeze -l env=dev --for 500d --reason x -y', 64, 'more than 366 days away'],
  ['olga', 'pin shop HEAD~ -l env=dev --for 1h --reason x -y', 1, 'commit HEAD~ is not on the branch'],
  ['olga', 'pin shop HEAD -l env=dev --cluster dev-1 --for 1h --reason x -y', 64, 'either -l or --cluster'],
  ['olga', 'unpin shop -l env=dev --reason x -y', 1, 'there is no pin of shop on env=dev'],
  ['olga', 'pin shpo HEAD -l env=dev --for 1h --reason x -y', 1, 'there is no placement shpo'],
  ['olga', 'rollout status shpo', 1, 'no placement with rollouts and no change shpo; did you mean shop?'],
  ['olga', 'rollout status shop@0000000', 1, 'rollout shop@0000000 does not exist'],
  ['olga', 'rollout watch shpo', 1, 'did you mean shop?'],
  ['olga', 'rollout retry shop --reason x -y', 1, 'nothing of shop has failed or was rejected'],
  ...['pause', 'resume', 'abort', 'expedite --stage prod --skip soak'].map(
    (act) => ['olga', overFor(act), 1, `nothing in ${FIRST} of shop is under way: it is Succeeded`] as const,
  ),
  ['olga', overFor('retry'), 1, 'nothing of shop has failed or was rejected'],
  ['olga', `approve ${TWO} --stage prod --reason x -y`, 4, 'access/ gives ops no approve'],
  ['root', `approve ${TWO} --stage prod --reason x -y`, 4, 'root is in none of the groups that may: oncall'],
  ['root', `deny ${TWO} --stage prod --reason x -y`, 4, 'root is in none of the groups that may: oncall'],
  ['alice', `approve ${TWO} --stage prd --reason x -y`, 1, 'has a stage prd; they have dev, prod'],
  ['alice', `approve ${TWO} --stage dev --reason x -y`, 1, `nothing of ${TWO} waits for an approval in dev`],
  ['alice', `approve ${FIRST} --reason x -y`, 1, `nothing of ${FIRST} waits for an approval`],
  [
    'alice',
    'deny 0000000 --stage prod --reason x -y',
    1,
    'no approval that waits and no change is called "0000000"',
  ],
] as const) {
  test(`${who}: ${line}: exit ${code}, "${told}", and nothing is changed`, async () => {
    const stood = fleet.decided();
    const result = await flotilla(who, line);
    assert.equal(result.code, code, result.stderr);
    assert.ok(result.stderr.includes(told), result.stderr);
    assert.ok(!result.stderr.includes('xxxx'));
    assert.equal(result.stdout, '');
    assert.ok(fleet.decided() === stood);
  });
}

test('orders are carried out, each with what it touched on stderr and what came of it on stdout', async () => {
  const name = `shop@${change()}`;
  for (const [line, out, told] of [
    ['rollout pause shop --for 2h', `${name} PAUSED`, 'until 20'],
    ['rollout resume shop', `${name} AWAITING_APPROVAL`, 'failures and regressions so far are accepted'],
    ['freeze -l env=prod --for 1h', 'freeze 2 clusters', '2 clusters (prod-1, prod-2)'],
    ["unfreeze -l 'env in (prod)'", 'unfreeze 2 clusters', ''],
    ["freeze -l '' --for 1h", 'freeze 3 clusters', '3 clusters'],
    ["unfreeze -l ''", 'unfreeze 3 clusters', ''],
    ['hold dev-1 --for 1h', 'hold 1 cluster', 'dev-1'],
    ['release dev-1', 'release 1 cluster', ''],
    [
      'pin shop first --cluster dev-1 --for 1h'.replace('first', fleet.view.index!.commits.at(-1)!.oid),
      'pin 1 cluster',
      '"first"',
    ],
    ['unpin shop --cluster dev-1', 'unpin 1 cluster', ''],
  ] as const) {
    const { code, stdout, stderr } = await flotilla('olga', `${line} --reason 'as planned' --yes`);
    assert.deepEqual([code, stdout], [0, `${out}\n`], stderr);
    assert.ok(stderr.includes(told), stderr);
  }
});

test('approve lists what it affects, and two people let a change go on', async () => {
  const approve = `approve ${change()} --stage prod --reason 'looks good'`;
  const first = await flotilla('alice', `${approve} --yes`);
  assert.equal(first.code, 0, first.stderr);
  assert.match(
    first.stderr,
    /approve prod of shop for shop@\w+: 2 clusters \(prod-1, prod-2\), 0 of 2 given/,
  );
  assert.match(first.stderr, /approve prod of web /);
  assert.equal(first.stdout.split('\n').length, 3);
  const again = await flotilla('alice', `${approve} --yes`);
  assert.deepEqual([again.code, again.stdout], [1, '']);
  assert.match(again.stderr, /alice has approved this already/);
  const one = first.stdout.split(' ')[0];
  assert.match(
    (await flotilla('ada', `approve ${one} --reason x -y`)).stderr,
    /ada wrote one of the commits/,
  );
  const second = await flotilla('bob', `approve ${one} --reason x -y`);
  assert.deepEqual([second.code, second.stdout.split(' ')[0]], [0, one]);
  const late = await flotilla('bob', `approve ${one} --reason x -y`);
  assert.deepEqual([late.code, late.stdout], [1, '']);
  assert.match(late.stderr, /waits for nothing: it is APPROVED, by alice, bob/);
  const unknown = await flotilla('bob', `approve ${change()} --stage prd --reason x -y`);
  assert.deepEqual([unknown.code, unknown.stdout], [1, '']);
  assert.match(unknown.stderr, /has a stage prd; they have dev, prod/);
});

test('who says no at the question changes nothing', async () => {
  const stood = fleet.decided();
  const { code, stdout, stderr } = await runHere(api.url, words('hold dev-1 --for 1h --reason x'), {
    confirm: async (question) => question !== 'go on? [y/N] ',
  });
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^hold until .*: dev-1\nnothing was done\n$/);
  assert.ok(fleet.decided() === stood);
});

test('as a program: the token comes from a variable or a file, nobody is asked, and the exit code says what it was', async () => {
  const argv = words('rollout abort web --reason x');
  const asked = await run(api.url, argv, { FLOTILLA_TOKEN: tokenOf('olga') });
  assert.deepEqual([asked.code, asked.stdout], [64, '']);
  assert.match(asked.stderr, /repeat with --yes/);
  const file = fileURLToPath(import.meta.url);
  const wrong = await run(api.url, [...argv, '--yes', '--token-file', file]);
  assert.deepEqual([wrong.code, wrong.stdout], [64, '']);
  assert.match(wrong.stderr, /acting.test.ts holds no token of a hub/);
  const done = await run(api.url, [...argv, '--yes'], { FLOTILLA_TOKEN: tokenOf('root') });
  assert.deepEqual([done.code, done.stdout], [0, `web@${change()} ABORTED\n`]);
  assert.ok(![asked, wrong, done].some(({ stderr }) => stderr.includes('xxxx')));
});
