import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { RunningApi } from '#hub/api/server.ts';
import { PEOPLE } from '#hub/api/testing/orders.ts';
import { serve } from '#hub/api/testing/serve.ts';
import { oid, START, viewOf } from '#hub/core/view/testing/fleet.ts';
import { byEnv, rolling } from '#hub/core/view/testing/rolling.ts';
import type { Operations } from '#hub/operations/types.ts';
import { FlotillaError } from '#proto/faults.ts';
import { runHere } from './testing/hub.ts';

const ROOT = `flotilla_root_${'x'.repeat(43)}`;

/** Two rollouts of shop: `three` soaks in dev, `two` has failed in prod. web has the second only, and goes on. */
function twoUnderWay() {
  const clusters = {
    'dev-1': { labels: { env: 'dev' } },
    'prod-1': { labels: { env: 'prod' } },
    'prod-2': { labels: { env: 'prod' } },
  };
  const view = viewOf({ clusters, placements: { shop: {}, web: {} }, history: ['three', 'two', 'first'] });
  const dev = { name: 'dev', selector: {}, after: [{ soak: '10m' }] };
  const spec = byEnv(dev, { name: 'prod', selector: {} });
  const failing = [{ afterMs: 20_000, phase: 'failed', message: 'ImagePullBackOff' }] as const;
  const fleet = rolling(view, { shop: { spec, plays: { 'prod-1': failing } }, web: { spec } }, START);
  fleet.go('two', ['shop', 'web']);
  fleet.pass(15 * 60_000);
  fleet.go('three', ['shop']);
  fleet.pass(60_000);
  view.tick(fleet.world.now);
  return { ...fleet, view };
}

let fleet: ReturnType<typeof twoUnderWay>;
let api: RunningApi;
beforeEach(async () => {
  fleet = twoUnderWay();
  const authenticate = () => PEOPLE.root!;
  api = await serve(fleet.view, { operations: fleet.operations, authenticate });
});
afterEach(() => api.stop());

const flotilla = (line: string) =>
  runHere(api.url, [...line.split(' '), '--reason', 'x', '--yes'], { token: ROOT });
const shop = (word: string) => `shop@${oid(word).slice(0, 7)}`;
const phases = () =>
  ['three', 'two'].map((word) => fleet.view.rollouts.rollout('shop', oid(word))?.phase).join(' ');

test('a line with two paused rollouts is resumed by one order, which names both and does all', async () => {
  assert.equal((await flotilla('rollout pause shop')).code, 0);
  assert.equal(phases(), 'Paused Paused');
  const { code, stdout, stderr } = await flotilla('rollout resume shop');
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    new RegExp(`^resume ${shop('three')} "three", PAUSED: .*\n  with it.*: ${shop('two')} "two", PAUSED`),
  );
  assert.equal(stdout, `${shop('three')} SOAKING\n${shop('two')} SUCCEEDED\n`);
  assert.equal(phases(), 'Soaking Succeeded');
});

test('pausing one rollout of a line tells that the other one stops, too', async () => {
  const { code, stdout, stderr } = await flotilla(`rollout pause ${shop('two')}`);
  assert.equal(code, 0, stderr);
  assert.match(stderr, new RegExp(`same line: ${shop('three')} "three", SOAKING`));
  assert.equal(stdout, `${shop('two')} PAUSED\n${shop('three')} PAUSED\n`);
});

test('resuming a line of which only one rollout is paused names that one', async () => {
  const { code, stdout, stderr } = await flotilla('rollout resume shop');
  assert.equal(code, 0, stderr);
  assert.equal(stdout, `${shop('two')} SUCCEEDED\n`);
  assert.match(stderr, new RegExp(`${shop('three')}, SOAKING, is left as it is`));
});

for (const act of ['abort', 'rollback']) {
  test(`${act} of a placement with two rollouts under way asks which, and does nothing`, async () => {
    const before = JSON.stringify(fleet.world.state.lines);
    const { code, stdout, stderr } = await flotilla(`rollout ${act} shop`);
    assert.deepEqual([code, stdout], [64, '']);
    assert.ok(
      stderr.includes(
        `shop has 2 rollouts to ${act}: ${shop('three')} (SOAKING), ${shop('two')} (PAUSED); name one of them`,
      ),
      stderr,
    );
    assert.equal(JSON.stringify(fleet.world.state.lines), before);
    const named = await flotilla(`rollout ${act} ${shop('three')}`);
    assert.equal(named.code, 0, named.stderr);
  });
}

test('retry of a placement means the rollout that has failed, and of a change those that have', async () => {
  const { code, stdout, stderr } = await flotilla(`rollout retry shop`);
  assert.equal(code, 0, stderr);
  assert.match(stdout, new RegExp(`^${shop('two')} `));
  fleet.pass(3 * 60_000);
  const change = await flotilla(`rollout resume ${oid('two').slice(0, 7)}`);
  assert.equal(change.code, 0, change.stderr);
  assert.match(change.stderr, /web@\w+, SUCCEEDED, is left as it is/);
});

test('a rollout that is over is not resumed, though its line is paused for another one', async () => {
  const before = JSON.stringify(fleet.world.state.lines);
  const { code, stdout, stderr } = await flotilla(`rollout resume ${shop('first')}`);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /nothing in \w+ of shop is under way: it is Succeeded/);
  assert.equal(JSON.stringify(fleet.world.state.lines), before);
});

test('expedite means the rollout at work in the stage that is named', async () => {
  const { code, stdout, stderr } = await flotilla('rollout expedite shop --stage dev --skip soak');
  assert.equal(code, 0, stderr);
  assert.match(stdout, new RegExp(`^${shop('three')} `));
});

/** Both placements are on their way to `three`; what is ordered about web ends as told. */
async function abortBoth(web: Operations['order']) {
  fleet.go('three', ['web']);
  const operations: Operations = {
    ...fleet.operations,
    order: (command, signal) =>
      'placement' in command && command.placement === 'web'
        ? web(command, signal)
        : fleet.operations.order(command),
  };
  const other = await serve(fleet.view, { operations, authenticate: () => PEOPLE.root! });
  try {
    const line = `rollout abort ${oid('three').slice(0, 7)} --reason x --yes`;
    return await runHere(other.url, line.split(' '), { token: ROOT });
  } finally {
    await other.stop();
  }
}
const webThree = `web@${oid('three').slice(0, 7)}`;

test('of several orders each says whether it was done, and the exit code that not all were', async () => {
  const { code, stdout, stderr } = await abortBoth(async () => ({
    refused: { code: 'wrong-phase', message: 'web is Paused, not Running' },
  }));
  assert.deepEqual([code, stdout], [1, `${shop('three')} ABORTED\n`]);
  assert.ok(stderr.includes(`not ${webThree}: web is Paused, not Running\n`), stderr);
  assert.ok(stderr.endsWith(`abort: done for 1 of 2, not for ${webThree}\n`), stderr);
});

test('where an answer does not come, what was done before stands, and what is not known is told', async () => {
  const { code, stdout, stderr } = await abortBoth(async () => {
    throw new FlotillaError('store-failed', 'JetStream does not store');
  });
  assert.deepEqual([code, stdout], [2, `${shop('three')} ABORTED\n`]);
  assert.match(stderr, new RegExp(`abort: no answer for ${webThree}: look before you repeat it\n`));
  assert.match(stderr, /JetStream does not store/);
});
