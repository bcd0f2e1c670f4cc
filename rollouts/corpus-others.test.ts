import assert from 'node:assert/strict';
import { strategy as schema } from '#proto/documents/strategy.ts';
import { amountOf, clustersOf } from '#proto/stages.ts';
import {
  all,
  type Cases,
  GROUPS,
  groups,
  never,
  ONE,
  roll,
  single,
  state,
  testAll,
} from './testing/corpus.ts';
import { HOUR, Lab, MINUTE, ring } from './testing/lab.ts';

/** Cases of KubeFleet (K) and Rancher Fleet (F), by their numbers in the corpus of rollout behaviours, with what happens here. */
const CASES: Cases = {
  K1() {
    for (const [amount, of, is] of [
      ['33%', 10, 3],
      ['25%', 7, 1],
      ['10%', 1, 1],
      [15, 10, 10],
    ] as const) {
      const names = Array.from({ length: of }, (_, i) => `n${i}`);
      const lab = roll(single(names, { maxConcurrent: amount }));
      assert.equal(lab.started('v2').length, is, `${amount} of ${of}`);
    }
    assert.throws(() => single(ONE, { maxConcurrent: '50' }), /a whole number of clusters, or a percentage/);
  },
  // What is no number stands after the numbers, and is no error.
  K2() {
    const lab = single(['m1', 'm2', 'm3', 'm4'], { orderBy: 'order' });
    lab.label('m1', { order: '10' });
    lab.label('m3', { order: '9' });
    lab.label('m2', { order: 'abc' });
    assert.deepEqual(roll(lab).started('v2'), ['m3', 'm1', 'm2', 'm4']);
  },
  // The first stage that matches wins. In none: an error of the strategy in the fleet repo, and no part of the line.
  K3() {
    const stages = [ring('g1'), { name: 'rest', selector: { matchLabels: { ring: 'g1' } } }];
    const lab = new Lab({ g1: ['c1'], g2: ['c4'] }, { stages }, { c1: 'a' });
    assert.deepEqual(roll(lab).started('v2'), ['c1']);
    lab.pass(HOUR);
    assert.equal(lab.phase('v2'), 'Succeeded');
    assert.equal(lab.target('c4'), undefined);
  },
  K4() {
    const stages = [
      { name: 'first', selector: {} },
      { name: 'second', selector: {} },
    ];
    const lab = roll(new Lab(GROUPS, { stages }, all(Object.values(GROUPS).flat(), 'a')));
    assert.equal(lab.started('v2').length, 9);
    lab.pass(MINUTE);
    assert.equal(lab.passed('second'), 'v2');
  },
  K5() {
    const lab = roll(groups({}, { before: [{ approval: { groups: ['ops'] } }] }));
    lab.pass(HOUR);
    assert.deepEqual(lab.started('v2'), []);
    assert.equal(lab.line().stages[0]!.work!.startedAt, undefined);
    assert.equal(lab.phase('v2'), 'AwaitingApproval');
    assert.equal(lab.order({ kind: 'approve', stage: 'g1', groups: ['ops'] }), undefined);
    assert.deepEqual(lab.started('v2'), GROUPS.g1);
  },
  K6() {
    const lab = roll(single(ONE, { maxConcurrent: 1 }));
    lab.pass(19_000);
    assert.deepEqual(lab.started('v2'), ['c1']);
    lab.pass(1_000);
    assert.deepEqual(lab.started('v2'), ['c1', 'c2']);
  },
  K7() {
    const lab = roll(groups({}, { after: [{ soak: '10m' }, { approval: { groups: ['ops'] } }] }));
    lab.pass(MINUTE);
    lab.order({ kind: 'approve', stage: 'g1', groups: ['ops'] });
    assert.equal(lab.passed('g1'), 'v1');
    lab.pass(10 * MINUTE);
    assert.equal(lab.passed('g1'), 'v2');
  },
  K8() {
    const stages = [ring('g1'), ring('nobody', { before: [{ approval: { groups: ['ops'] } }] }), ring('g2')];
    const lab = roll(new Lab({ g1: ['c1'], g2: ['c4'] }, { stages }, { c1: 'a', c4: 'a' }));
    lab.pass(MINUTE);
    assert.equal(lab.phase('v2'), 'Succeeded');
    assert.deepEqual(lab.happened('gateWaiting'), []);
    const passed = lab.happened('stagePassed').find(({ stage }) => stage === 'nobody');
    assert.equal(passed?.reason, 'nothing changes here');
  },
  K9: 'an approval is part of the saved state, not an object that can be deleted beside it',
  K10() {
    const lab = roll(groups({}, { before: [{ approval: { groups: ['ops'] } }] }));
    lab.order({ kind: 'approve', stage: 'g1', groups: ['ops'] });
    assert.equal(lab.order({ kind: 'deny', stage: 'g1', groups: ['ops'] })?.code, 'nothing-waits');
    lab.pass(MINUTE);
    assert.equal(lab.passed('g1'), 'v2');
  },
  K11() {
    const lab = roll(groups({}, { before: [{ approval: { groups: ['ops'] } }] }));
    lab.order({ kind: 'pause' });
    assert.equal(lab.order({ kind: 'approve', stage: 'g1', groups: ['ops'] }), undefined);
    lab.pass(HOUR);
    assert.deepEqual(lab.started('v2'), []);
    lab.order({ kind: 'resume' });
    assert.deepEqual(lab.started('v2'), GROUPS.g1);
  },
  K12() {
    const lab = roll(single(ONE, { maxConcurrent: 1 }));
    lab.pass(25_000);
    lab.order({ kind: 'pause' });
    lab.pass(HOUR);
    assert.deepEqual(lab.started('v2'), ['c1', 'c2']);
    assert.equal(state(lab, 'c2'), 'Current');
    lab.order({ kind: 'resume' });
    assert.deepEqual(lab.started('v2'), ['c1', 'c2', 'c3']);
  },
  K13() {
    const lab = roll(groups({}, { after: [{ approval: { groups: ['ops'] } }] }));
    lab.pass(MINUTE);
    lab.order({ kind: 'pause' });
    lab.order({ kind: 'approve', stage: 'g1', groups: ['ops'] });
    lab.pass(HOUR);
    assert.deepEqual(lab.started('v2'), GROUPS.g1);
    lab.order({ kind: 'resume' });
    assert.deepEqual(lab.started('v2'), [...GROUPS.g1, ...GROUPS.g2]);
  },
  K14() {
    const lab = single(ONE, {});
    never(lab, ...ONE);
    roll(lab).pass(6 * MINUTE);
    assert.equal(lab.waiting('all'), 'waiting for 6 of 6 clusters in all: c1, c2, c3 and 3 more');
  },
  K15: 'a placement has one line, and nothing else publishes to its clusters',
  K16() {
    const lab = roll(groups());
    lab.pass(5_000);
    lab.strategy({
      stages: [ring('g1', { after: [{ soak: '1h' }] }), ring('g2', { maxConcurrent: 1 }), ring('g3')],
    });
    lab.pass(30 * MINUTE);
    assert.equal(lab.passed('g1'), 'v1');
    lab.pass(HOUR);
    assert.equal(lab.phase('v2'), 'Succeeded');
    assert.equal(lab.world.maxInFlight.get('app/g2'), 1);
  },
  // Observed clusters are told what they would do; they show nothing of a version that works.
  K17() {
    const lab = groups();
    for (const name of GROUPS.g1) lab.block(name, 'only observed');
    roll(lab).pass(HOUR);
    assert.deepEqual(lab.started('v2'), []);
    assert.match(lab.waiting('g1'), /no evidence in g1.*c1, c2, c3 only observed/);
  },
  // A removal travels the stages like any change.
  K18() {
    const lab = groups();
    lab.commit('v2', all(['c2', 'c3', 'c5', 'c6', 'c7', 'c8', 'c9'], 'a'));
    assert.deepEqual(lab.started('v2'), ['c1']);
    lab.pass(20_000);
    assert.deepEqual(lab.started('v2'), ['c1', 'c4']);
  },
  K19() {
    const lab = groups();
    assert.equal(lab.order({ kind: 'resume' })?.code, 'nothing-paused');
    assert.equal(lab.order({ kind: 'abort' })?.code, 'finished');
    assert.equal(lab.order({ kind: 'retry' })?.code, 'nothing-to-do');
    lab.order({ kind: 'pause' });
    assert.equal(lab.order({ kind: 'pause' })?.code, 'already-paused');
  },
  K20() {
    const lab = groups();
    assert.equal(
      lab.order({ kind: 'pin', whom: { cluster: 'c1' }, revision: 'v9' })?.code,
      'unknown-version',
    );
    assert.equal(lab.order({ kind: 'abort', version: 'v9' })?.code, 'unknown-version');
  },

  F16: 'there are no stages that nobody has written: partitions are not made up from the number of clusters',
  F17() {
    assert.equal(clustersOf(amountOf('49%'), 4), 1);
    assert.equal(clustersOf(amountOf('50%'), 4), 2);
    assert.equal(roll(single(ONE, { maxConcurrent: 7 })).started('v2').length, 6);
    const [spec] = [{ stages: [{ name: 's', selector: {}, maxConcurrent: 0 }] }];
    for (const maxConcurrent of [0, '0%', -1, '101%']) {
      const document = {
        apiVersion: 'flotilla.dev/v1alpha1',
        kind: 'RolloutStrategy',
        metadata: { name: 's' },
      };
      const stages = [{ ...spec!.stages[0], maxConcurrent }];
      assert.equal(schema.safeParse({ ...document, spec: { stages } }).success, false, String(maxConcurrent));
    }
    const lab = single(ONE, { maxConcurrent: 1 });
    lab.world.agents.say('c5', 'app', 'failed');
    assert.deepEqual(roll(lab).started('v2'), ['c5'], 'what is not well goes first');
  },
  F18() {
    const stages = [ring('g1'), { name: 'both', selector: {} }];
    const lab = roll(new Lab({ g1: ['c1'], g2: ['c4'] }, { stages }, { c1: 'a', c4: 'a' }));
    lab.pass(MINUTE);
    assert.deepEqual(lab.started('v2'), ['c1', 'c4']);
  },
  // New clusters have no limit of their own: they take slots like everybody.
  F19() {
    const lab = single(ONE, { maxConcurrent: 1 });
    lab.join('n1', 'all', 'c1');
    lab.join('n2', 'all', 'c1');
    lab.pass(HOUR);
    assert.equal(lab.states.n2, 'v1 Current');
    assert.equal(lab.world.maxInFlight.get('app/all'), 1);
  },
  F20() {
    const lab = single(ONE, { maxConcurrent: 1 });
    lab.offline('c2');
    lab.pass(20 * MINUTE);
    roll(lab).pass(HOUR);
    assert.equal(lab.phase('v2'), 'Succeeded');
    assert.deepEqual(lab.started('v2'), ['c1', 'c3', 'c4', 'c5', 'c6']);
    lab.online('c2');
    lab.pass(MINUTE);
    assert.equal(lab.states.c2, 'v2 Current');
  },
};

testAll(CASES);
