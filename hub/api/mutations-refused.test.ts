import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { oid } from '../core/view/testing/fleet.ts';
import { idOf } from './ids.ts';
import { CHANGE, FIRST, GATE_ID, LATER, orders, SHOP, UNTIL, WHY } from './testing/orders.ts';

let it: ReturnType<typeof orders>;
beforeEach(() => {
  it = orders();
});

/** Law, who orders, what, and the error: its type, its code, and a part of its message. */
const REFUSED: [law: string, who: string, call: string, error: string][] = [
  [
    'without a token nobody orders',
    '-',
    `pauseRollout rolloutId: "${SHOP}" ${WHY}`,
    'Forbidden unauthenticated: orders need a token',
  ],
  [
    'without the permission nothing is done',
    'alice',
    `pauseRollout rolloutId: "${SHOP}" ${WHY}`,
    'Forbidden not-permitted: access/ gives oncall no pause',
  ],
  [
    'expedite is a permission of its own',
    'dave',
    `expediteRollout rolloutId: "${SHOP}" stages: ["prod"] skip: [APPROVAL] ${WHY}`,
    'Forbidden not-permitted: no expedite',
  ],
  [
    'approving takes the permission',
    'olga',
    `decideApproval approvalId: "${GATE_ID}" approve: true ${WHY}`,
    'Forbidden not-permitted: access/ gives ops no approve',
  ],
  [
    'the permission has to reach all clusters',
    'dora',
    `decideApproval approvalId: "${GATE_ID}" approve: true ${WHY}`,
    'Forbidden not-permitted: no approve on cluster prod-1 and 1 more',
  ],
  [
    'approving takes the group of the gate, of administrators too',
    'root',
    `decideApproval approvalId: "${GATE_ID}" approve: true ${WHY}`,
    'Forbidden not-in-group: root is in none of the groups that may: oncall',
  ],
  [
    'nobody approves a commit of their own, whatever its letters',
    'ada',
    `decideApproval approvalId: "${GATE_ID}" approve: true ${WHY}`,
    'Forbidden own-commit: ada wrote one of the commits',
  ],
  [
    'who commits under unknown addresses cannot approve where that matters',
    'anon',
    `decideApproval approvalId: "${GATE_ID}" approve: true ${WHY}`,
    'Forbidden author-unknown: does not say under which addresses',
  ],
  [
    'a freeze has to lie within what one may',
    'dora',
    `freeze selector: "" ${UNTIL}`,
    'Forbidden not-permitted: freeze on clusters of env=dev only',
  ],
  [
    'a hold, too',
    'dora',
    `hold cluster: "prod-1" ${UNTIL}`,
    'Forbidden not-permitted: no hold on cluster prod-1',
  ],
  [
    'a pin, too',
    'dora',
    `pin placement: "shop" revision: "${oid('first')}" selector: "env=prod" ${UNTIL}`,
    'Forbidden not-permitted: pin on clusters of env=dev only',
  ],
  [
    'an id of something else is no rollout',
    'olga',
    `pauseRollout rolloutId: "${CHANGE}" ${WHY}`,
    'NotFound unknown-rollout: no such rollout',
  ],
  [
    'nonsense is no rollout',
    'olga',
    `abortRollout rolloutId: "x" ${WHY}`,
    'NotFound unknown-rollout: no such rollout',
  ],
  [
    'a stage that is not there',
    'olga',
    `expediteRollout rolloutId: "${SHOP}" stages: ["prd"] skip: [SOAK] ${WHY}`,
    'NotFound unknown-stage: has no stage prd; it has dev, prod',
  ],
  [
    'an unknown stage in an approval',
    'alice',
    `decideApproval changeId: "${CHANGE}" stage: "prd" approve: true ${WHY}`,
    'NotFound unknown-stage: has a stage prd; they have dev, prod',
  ],
  [
    'an unknown approval',
    'alice',
    `decideApproval approvalId: "${GATE_ID}x" approve: true ${WHY}`,
    'NotFound unknown-approval: no such approval',
  ],
  [
    'an unknown change',
    'alice',
    `decideApproval changeId: "${idOf('Change', oid('none'))}" stage: "prod" approve: true ${WHY}`,
    'NotFound unknown-change: no rollout is known of commit',
  ],
  [
    'a cluster that is not there',
    'olga',
    `hold cluster: "prod-l" ${UNTIL}`,
    'NotFound unknown-cluster: no cluster prod-l; did you mean prod-1?',
  ],
  [
    'a placement that is not there',
    'olga',
    `pin placement: "shp" revision: "${oid('first')}" selector: "" ${UNTIL}`,
    'NotFound unknown-placement: no placement shp',
  ],
  [
    'a revision that is not on the branch',
    'olga',
    `pin placement: "shop" revision: "${oid('none')}" selector: "" ${UNTIL}`,
    'NotFound unknown-version: is no commit of the branch',
  ],
  [
    'the rollout has moved on',
    'olga',
    `abortRollout rolloutId: "${SHOP}" expectedPhase: RUNNING ${WHY}`,
    'Conflict wrong-phase: is AwaitingApproval, not Running',
  ],
  [
    'a finished rollout is not paused',
    'olga',
    `pauseRollout rolloutId: "${FIRST}" ${WHY}`,
    'Conflict finished: it is Succeeded',
  ],
  [
    'a finished rollout is not aborted',
    'olga',
    `abortRollout rolloutId: "${FIRST}" ${WHY}`,
    'Conflict finished: it is Succeeded',
  ],
  [
    'a finished rollout is not expedited',
    'olga',
    `expediteRollout rolloutId: "${FIRST}" stages: ["prod"] skip: [APPROVAL] ${WHY}`,
    'Conflict finished: it is Succeeded',
  ],
  [
    'a finished rollout has nothing to retry',
    'olga',
    `retryRollout rolloutId: "${FIRST}" ${WHY}`,
    'Conflict nothing-to-do: nothing of shop has failed',
  ],
  [
    'denying takes the group of the gate, too',
    'root',
    `decideApproval approvalId: "${GATE_ID}" approve: false ${WHY}`,
    'Forbidden not-in-group: root is in none of the groups that may: oncall',
  ],
  [
    'an approval of a stage that is over',
    'alice',
    `decideApproval changeId: "${idOf('Change', oid('first'))}" stage: "prod" approve: true ${WHY}`,
    'Conflict nothing-waits: waits for an approval in prod',
  ],
  [
    'nothing is resumed that is not paused',
    'olga',
    `resumeRollout rolloutId: "${SHOP}" ${WHY}`,
    'Conflict nothing-paused: shop is not paused',
  ],
  [
    'nothing is retried that has not failed',
    'olga',
    `retryRollout rolloutId: "${SHOP}" ${WHY}`,
    'Conflict nothing-to-do: nothing of shop has failed',
  ],
  [
    'a stage that waits for nobody',
    'alice',
    `decideApproval changeId: "${CHANGE}" stage: "dev" approve: true ${WHY}`,
    'Conflict nothing-waits: waits for an approval in dev',
  ],
  [
    'no such pin',
    'olga',
    `unpin placement: "shop" selector: "env=dev" ${WHY}`,
    'Conflict nothing-to-do: no pin of shop on env=dev',
  ],
  [
    'no such freeze',
    'olga',
    `unfreeze selector: "env=dev" ${WHY}`,
    'Conflict nothing-to-do: no freeze of env=dev',
  ],
  ['no such hold', 'olga', `release cluster: "dev-1" ${WHY}`, 'Conflict nothing-to-do: dev-1 is not held'],
  [
    'an empty reason',
    'olga',
    `pauseRollout rolloutId: "${SHOP}" reason: " "`,
    'Invalid reason-invalid: reason is empty: say why',
  ],
  [
    'a reason without end',
    'olga',
    `pauseRollout rolloutId: "${SHOP}" reason: "${'x'.repeat(501)}"`,
    'Invalid reason-invalid: 501 letters, at most 500',
  ],
  [
    'a reason that moves cursors',
    'olga',
    `pauseRollout rolloutId: "${SHOP}" reason: "a\\u001b[2Jb"`,
    'Invalid reason-invalid: control characters',
  ],
  [
    'a pause that is over',
    'olga',
    `pauseRollout rolloutId: "${SHOP}" ${WHY} expiresAt: "2020-01-01T00:00:00Z"`,
    'Invalid expiry-invalid: 2020-01-01T00:00:00.000Z is over',
  ],
  [
    'a hold for ever',
    'olga',
    `hold cluster: "dev-1" ${WHY} expiresAt: "2099-01-01T00:00:00Z"`,
    'Invalid expiry-invalid: more than 366 days away',
  ],
  [
    'a selector that is none',
    'olga',
    `freeze selector: "env=(" ${UNTIL}`,
    'Invalid selector-invalid: "env=("',
  ],
  [
    'a selector without end',
    'olga',
    `freeze selector: "a=${'b'.repeat(1_000)}" ${UNTIL}`,
    'Invalid selector-invalid: at most 1000',
  ],
  [
    'a selector of nothing',
    'olga',
    `freeze selector: "env=prd" ${UNTIL}`,
    'Invalid selector-invalid: env=prd selects no cluster',
  ],
  [
    'a pin of nothing',
    'olga',
    `pin placement: "shop" revision: "${oid('first')}" selector: "env=prd" ${UNTIL}`,
    'Invalid selector-invalid: shop is on no such cluster',
  ],
  [
    'a pin of whom',
    'olga',
    `pin placement: "shop" revision: "${oid('first')}" ${UNTIL}`,
    'Invalid argument-invalid: either a selector or the name of a cluster',
  ],
  [
    'which approval',
    'alice',
    `decideApproval approve: true ${WHY}`,
    'Invalid argument-invalid: either approvalId, or changeId and stage',
  ],
  [
    'both of them',
    'alice',
    `decideApproval approvalId: "${GATE_ID}" changeId: "${CHANGE}" approve: true ${WHY}`,
    'Invalid argument-invalid: either approvalId, or changeId and stage',
  ],
  [
    'expedite what',
    'olga',
    `expediteRollout rolloutId: "${SHOP}" stages: ["prod"] skip: [] ${WHY}`,
    'Invalid argument-invalid: skip is empty',
  ],
  [
    'expedite where',
    'olga',
    `expediteRollout rolloutId: "${SHOP}" stages: [] skip: [SOAK] ${WHY}`,
    'Invalid argument-invalid: stages is empty',
  ],
];
for (const [law, who, call, error] of REFUSED) {
  test(`refused, and nothing changed: ${law}`, async () => {
    const [, type, code, says] = /^(\w+) ([\w-]+): (.*)$/.exec(error)!;
    const before = it.decided();
    const {
      errors,
      rollout = null,
      approvals = [],
      affectedClusters = 0,
    } = await it.order(call, who === '-' ? undefined : who);
    assert.deepEqual([rollout, approvals, affectedClusters], [null, [], 0]);
    assert.equal(errors.length, 1, JSON.stringify(errors));
    assert.deepEqual([errors[0].__typename, errors[0].code], [`${type}Error`, code]);
    assert.ok(errors[0].message.includes(says), errors[0].message);
    assert.ok(it.decided() === before);
    // Nobody known, nobody to name.
    const isKept = type === 'Forbidden' && who !== '-';
    const kept = it.denied.map(({ command, why }) => [
      'placement' in command ? command.order.by : command.by,
      why.includes(says!),
    ]);
    assert.deepEqual(kept, isKept ? [[who, true]] : []);
  });
}

test('what is refused to somebody known is told to the audit as it was ordered', async () => {
  await it.order(`hold cluster: "prod-1" ${UNTIL}`, 'dora');
  await it.order(`decideApproval approvalId: "${GATE_ID}" approve: true ${WHY}`, 'ada');
  const [hold, approve] = it.denied.map(({ command }) => command);
  assert.deepEqual(hold, {
    kind: 'hold',
    cluster: 'prod-1',
    by: 'dora',
    reason: 'because',
    until: Date.parse(LATER),
  });
  assert.ok(approve && 'placement' in approve);
  const { kind, by, version } = approve.order;
  assert.deepEqual([approve.placement, kind, by, version], ['shop', 'approve', 'ada', oid('two')]);
});

test('asking what one may approve is no order', async () => {
  const { approvals } = await it.data('{ approvals { nodes { viewerCanDecide } } }', {}, 'dora');
  assert.ok(approvals.nodes.length > 0);
  assert.deepEqual(it.denied, []);
});
