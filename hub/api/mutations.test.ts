import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import { oid } from '../core/view/testing/fleet.ts';
import { apiOf } from './testing/api.ts';
import { CHANGE, GATE_ID, LATER, mutationOf, orders, PEOPLE, SHOP, UNTIL, WHY } from './testing/orders.ts';

const MINUTE = 60_000;
const WHOLE = `decideApproval changeId: "${CHANGE}" stage: "prod" approve: true ${WHY}`;
const ONE = `decideApproval approvalId: "${GATE_ID}" approve: true ${WHY}`;
const AWAITED = `expectedPhase: AWAITING_APPROVAL ${WHY}`;
let it: ReturnType<typeof orders>;
beforeEach(() => {
  it = orders();
});
const about = (verb: string, more = WHY) => `${verb}Rollout rolloutId: "${SHOP}" ${more}`;
const phase = async () => (await it.data(`{ rollout(id: "${SHOP}") { phase } }`)).rollout.phase;

test('pause, resume, abort, retry, rollback: each is done, and says how the rollout is afterwards', async () => {
  const paused = await it.order(about('pause', `${AWAITED} expiresAt: "${LATER}"`), 'olga');
  assert.deepEqual(paused, { rollout: { phase: 'PAUSED' }, errors: [] });
  const [pause] = it.world.state.lines.shop!.pauses;
  assert.deepEqual([pause?.by, pause?.reason, pause?.until], ['olga', 'because', Date.parse(LATER)]);
  const [again] = (await it.order(about('pause'), 'olga')).errors;
  assert.deepEqual([again.code, again.currentPhase], ['already-paused', 'PAUSED']);
  for (const [verb, then] of [
    ['resume', 'AWAITING_APPROVAL'],
    ['abort', 'ABORTED'],
    ['retry', 'AWAITING_APPROVAL'],
    ['rollBack', 'ROLLING_BACK'],
  ] as const) {
    const { rollout, errors } = await it.order(about(verb), 'olga');
    assert.deepEqual([rollout?.phase, errors], [then, []], verb);
  }
  it.pass(5 * MINUTE);
  assert.equal(await phase(), 'ROLLED_BACK');
});

test('expedite skips the approval, and says who did', async () => {
  await it.order(about('expedite', `stages: ["prod"] skip: [APPROVAL] ${WHY}`), 'olga');
  it.pass(5 * MINUTE);
  assert.equal(await phase(), 'SUCCEEDED');
  assert.equal(it.world.events.find(({ what }) => what === 'expedited')?.by, 'olga');
});

test('two people approve one stage of a change, everything that it affects; nobody approves twice', async () => {
  const first = await it.order(WHOLE, 'alice');
  const given = { state: 'PENDING', decisions: [{ by: 'alice', reason: 'because' }] };
  assert.deepEqual(first, { approvals: [given, given], errors: [] });
  const twice = await it.order(WHOLE, 'alice');
  assert.deepEqual(
    twice.errors.map(({ code }: { code: string }) => code),
    ['already-approved', 'already-approved'],
  );
  const second = await it.order(WHOLE, 'bob');
  assert.deepEqual([second.approvals.length, second.errors], [2, []]);
  it.pass(5 * MINUTE);
  assert.equal(await phase(), 'SUCCEEDED');
  const late = await it.order(ONE, 'alice');
  assert.match(late.errors[0].message, /is APPROVED already/);
});

test('who approved one of two before approves the other with the whole stage', async () => {
  await it.order(ONE, 'alice');
  const { approvals, errors } = await it.order(WHOLE, 'alice');
  assert.deepEqual([approvals.length, errors], [1, []]);
});

test('where one of a whole stage may not be approved, none is', async () => {
  const before = it.decided();
  const { approvals, errors } = await it.order(WHOLE, 'dora');
  assert.deepEqual([approvals, errors.length, it.decided() === before], [[], 2, true]);
});

test('what somebody else was quicker about is told beside what was approved', async () => {
  const { operations } = it;
  const { order } = operations;
  const over = { refused: { code: 'finished', message: 'nothing of web is under way' } } as const;
  const slow: typeof order = async (one) =>
    'placement' in one && one.placement === 'web' ? over : order(one);
  Object.assign(operations, { order: slow });
  const { approvals, errors } = await it.order(WHOLE, 'alice');
  assert.equal(approvals.length, 1);
  assert.deepEqual(
    errors.map(({ code }: { code: string }) => code),
    ['finished'],
  );
});

test('two people approve at the same moment: both count', async () => {
  const both = await Promise.all([it.order(WHOLE, 'alice'), it.order(WHOLE, 'bob')]);
  assert.deepEqual(
    both.map(({ errors }) => errors),
    [[], []],
  );
  it.pass(5 * MINUTE);
  assert.equal(await phase(), 'SUCCEEDED');
});

test('two people order at the same moment: the second one learns what has happened', async () => {
  const [first, second] = await Promise.all([
    it.order(about('abort', AWAITED), 'olga'),
    it.order(about('pause', AWAITED), 'root'),
  ]);
  assert.equal(first.rollout.phase, 'ABORTED');
  assert.deepEqual([second.errors[0].code, second.errors[0].currentPhase], ['wrong-phase', 'ABORTED']);
  assert.deepEqual(it.world.state.lines.shop!.pauses, []);
});

test('denied is aborted; who wrote it may deny it', async () => {
  const { approvals } = await it.order(WHOLE.replace('true', 'false'), 'ada');
  assert.deepEqual([approvals.length, await phase()], [2, 'ABORTED']);
});

test('a pin names any commit of the branch, and is ended however it is spelled', async () => {
  const pin = `pin placement: "shop" selector: "env in (dev)" revision: "${oid('readme')}" ${UNTIL}`;
  assert.deepEqual(await it.order(pin, 'dora'), { affectedClusters: 1, errors: [] });
  assert.equal(it.world.state.lines.shop!.pins[0]?.version, oid('first'));
  it.pass(5 * MINUTE);
  assert.equal(it.world.state.lines.shop!.targets['dev-1']?.run?.revision, oid('first'));
  const other = await it.order(`unpin placement: "shop" cluster: "dev-1" ${WHY}`, 'dora');
  assert.match(other.errors[0].message, /no pin of shop on dev-1; there is one of env=dev/);
  const ended = await it.order(`unpin placement: "shop" selector: "env==dev" ${WHY}`, 'dora');
  assert.deepEqual([ended.affectedClusters, it.world.state.lines.shop!.pins], [1, []]);
});

test('what was aborted is pinned to nobody who has not got it, and the answer says what lifts that', async () => {
  const pin = (cluster: string) =>
    it.order(`pin placement: "shop" cluster: "${cluster}" revision: "${oid('two')}" ${UNTIL}`, 'olga');
  await it.order(about('abort', AWAITED), 'olga');
  const { errors, affectedClusters } = await pin('prod-1');
  assert.deepEqual(
    [affectedClusters, errors[0].__typename, errors[0].code],
    [0, 'ConflictError', 'rejected'],
  );
  assert.match(errors[0].message, /gives prod-1 was aborted: `flotilla rollout retry shop@\w{7}` lifts that/);
  assert.deepEqual(it.world.state.lines.shop!.pins, []);
  assert.deepEqual((await pin('dev-1')).errors, []);
});

test('freeze and hold last until somebody ends them, or they expire', async () => {
  assert.equal((await it.order(`freeze selector: "env=prod,env" ${UNTIL}`, 'olga')).affectedClusters, 2);
  assert.equal((await it.order(`hold cluster: "dev-1" ${UNTIL}`, 'dora')).affectedClusters, 1);
  const { banners } = (await it.data('{ fleet { banners { kind by reason } } }')).fleet;
  assert.deepEqual(
    banners.map(({ kind, by }: { kind: string; by: string }) => `${kind} ${by}`),
    ['FREEZE olga', 'HOLD dora'],
  );
  assert.deepEqual((await it.order(`unfreeze selector: "env,env=prod" ${WHY}`, 'olga')).errors, []);
  assert.deepEqual((await it.order(`release cluster: "dev-1" ${WHY}`, 'dora')).errors, []);
  assert.deepEqual([it.world.state.freezes, it.world.state.holds], [[], {}]);
});

test('who asks is told who they are and what they may', async () => {
  const ask = '{ viewer { subject groups permissions } }';
  assert.equal((await it.data(ask)).viewer, null);
  assert.deepEqual((await it.data(ask, {}, 'dave')).viewer, {
    subject: 'dave',
    groups: ['dev', 'oncall'],
    permissions: ['APPROVE', 'FREEZE', 'HOLD', 'PIN'],
  });
});

test('an order is a POST of JSON: no form and no link of another site gives one', async () => {
  const query = mutationOf(`hold cluster: "dev-1" ${UNTIL}`);
  const authorization = 'Bearer root';
  const before = it.decided();
  const address = `${it.url}?query=${encodeURIComponent(query)}`;
  for (const accept of ['application/json', 'text/event-stream', 'text/html']) {
    const response = await it.yoga.fetch(address, { headers: { accept, authorization } });
    await response.text();
  }
  const form = await it.yoga.fetch(it.url, {
    method: 'POST',
    headers: { 'content-type': 'text/plain', authorization },
    body: JSON.stringify({ query }),
  });
  assert.equal(form.status, 415);
  const elsewhere = await it.post({ query }, { authorization, origin: 'https://evil.example' });
  assert.equal(elsewhere.status, 403);
  assert.ok(it.decided() === before);
});

test('a hub that cannot save says so, and not that it is done', async () => {
  const operations = {
    ...it.operations,
    order: async () => {
      throw new FlotillaError('store-failed', 'JetStream does not store');
    },
  };
  const { ask } = apiOf(it.view, { operations, authenticate: () => PEOPLE.olga! });
  const { errors } = await ask(mutationOf(about('pause')), {}, 'olga');
  assert.deepEqual(
    [errors?.[0]?.message, errors?.[0]?.extensions?.code],
    ['JetStream does not store', 'store-failed'],
  );
});
