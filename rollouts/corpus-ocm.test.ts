import assert from 'node:assert/strict';
import {
  all,
  type Cases,
  failed,
  GROUPS,
  groups,
  never,
  ONE,
  roll,
  single,
  state,
  testAll,
} from './testing/corpus.ts';
import { HOUR, MINUTE } from './testing/lab.ts';

/** Cases of Open Cluster Management (O), by their numbers in the corpus of rollout behaviours, with what happens here. */
const CASES: Cases = {
  O1: () => assert.deepEqual(roll(single(ONE, {})).started('v2'), ONE),
  O2() {
    const lab = single(ONE, {}, failed('100%', { progressDeadline: '90s' }));
    lab.fails('b', 'c2', 'c4');
    never(lab, 'c3', 'c5');
    lab.offline('c6');
    roll(lab).pass(60_000);
    assert.deepEqual(
      ['c1', 'c3', 'c5'].map((name) => state(lab, name)),
      ['Current', 'Applying', 'Applying'],
    );
    lab.pass(35_000);
    assert.deepEqual(
      ['c2', 'c3', 'c4', 'c5', 'c6'].map((name) => state(lab, name)),
      ['Failed', 'Failed', 'Failed', 'Failed', 'Waiting'],
    );
    lab.online('c6');
    lab.pass(30_000);
    assert.equal(state(lab, 'c6'), 'Current');
  },
  O3: () => assert.deepEqual(roll(single(ONE, { maxConcurrent: 2 })).started('v2'), ['c1', 'c2']),
  // A deselected cluster is a target like others: its removal takes a slot, in the same order.
  O4() {
    const names = [...ONE, 'c10'];
    const lab = single(names, { maxConcurrent: 4 });
    lab.commit('v2', all(ONE, 'b'));
    assert.deepEqual(lab.started('v2'), ['c1', 'c10', 'c2', 'c3']);
    assert.equal(lab.target('c10')?.run?.digest, null);
  },
  O5() {
    const lab = single([...ONE, 'c10'], {});
    lab.commit('v2', all(ONE, 'b'));
    assert.equal(lab.started('v2').length, 7);
    lab.pass(MINUTE);
    assert.equal(lab.target('c10'), undefined);
  },
  O6() {
    const lab = single(ONE, { maxConcurrent: 2 });
    lab.fails('b', 'c2');
    lab.plays.set('c3@b', [{ afterMs: 10 * MINUTE - 1, phase: 'current' }]);
    roll(lab).pass(HOUR);
    assert.deepEqual(lab.started('v2').slice(0, 3), ['c1', 'c2', 'c3']);
    assert.equal(lab.phase('v2'), 'Paused');
    assert.deepEqual([state(lab, 'c3'), state(lab, 'c4')], ['Current', 'Waiting']);
  },
  O7() {
    const lab = single(ONE, { maxConcurrent: 2 }, failed(1));
    lab.fails('b', 'c2');
    roll(lab).pass(HOUR);
    assert.equal(lab.phase('v2'), 'Succeeded');
    assert.equal(state(lab, 'c2'), 'Failed');
  },
  // A soak belongs to the stage, not to a cluster: it holds the next stage, and no slot.
  O8() {
    const lab = single(ONE, { maxConcurrent: 2, after: [{ soak: '60s' }] }, failed('100%'));
    roll(lab).pass(25_000);
    assert.deepEqual(lab.started('v2'), ['c1', 'c2', 'c3', 'c4']);
  },
  O9() {
    const lab = single(
      ['c1', 'c2', 'c3', 'c4'],
      { after: [{ soak: '60s' }] },
      failed(1, { progressDeadline: '90s' }),
    );
    never(lab, 'c2');
    lab.plays.set('c3@b', [{ afterMs: 80_000, phase: 'current' }]);
    roll(lab).pass(89_000);
    assert.equal(state(lab, 'c2'), 'Applying');
    lab.pass(1_000);
    assert.equal(state(lab, 'c2'), 'Failed');
    lab.pass(49_000);
    assert.equal(lab.passed('all'), 'v1');
    lab.pass(1_000);
    assert.equal(lab.passed('all'), 'v2');
  },
  // A deadline of next to nothing fails every start (none at all is refused): four failures are more than three.
  O10() {
    const lab = single(ONE, { maxConcurrent: 2 }, failed(3, { progressDeadline: '1ms' }));
    roll(lab).pass(HOUR);
    assert.equal(lab.phase('v2'), 'Paused');
    assert.equal(lab.started('v2').length, 4);
  },
  O11() {
    const lab = groups({}, { maxConcurrent: 3 });
    lab.fails('b', 'c2');
    roll(lab).pass(HOUR);
    assert.deepEqual(lab.started('v2'), GROUPS.g1);
    assert.equal(lab.phase('v2'), 'Paused');
  },
  O12() {
    const lab = single(ONE, { maxConcurrent: '50%' }, failed('100%'));
    lab.fails('b', 'c2');
    roll(lab);
    assert.equal(lab.started('v2').length, 3);
    lab.pass(25_000);
    assert.deepEqual(lab.started('v2'), ['c1', 'c2', 'c3', 'c4', 'c5']);
    lab.pass(HOUR);
    assert.equal(lab.phase('v2'), 'Succeeded');
  },
  O13() {
    const lab = single(ONE, { maxConcurrent: 2 }, failed('0%'));
    lab.fails('b', 'c1', 'c2');
    roll(lab).pass(HOUR);
    assert.deepEqual(lab.started('v2'), ['c1', 'c2']);
  },
  O14() {
    const lab = groups({ progressDeadline: '90s' }, {}, { first: ['c1', 'c2'], rest: ['c3', 'c4'] });
    lab.fails('b', 'c1', 'c2');
    roll(lab).pass(HOUR);
    assert.equal(lab.phase('v2'), 'Paused');
    assert.deepEqual(lab.started('v2'), ['c1', 'c2']);
  },
  O15() {
    const lab = groups({}, { maxConcurrent: 3 }, { first: ['c1', 'c2'], rest: ['c3', 'c4', 'c5', 'c6'] });
    roll(lab).pass(20_000);
    assert.deepEqual(lab.started('v2'), ['c1', 'c2', 'c3', 'c4', 'c5']);
  },
  O16: () => assert.deepEqual(roll(groups()).started('v2'), GROUPS.g1),
  O17() {
    const lab = groups(failed(2, { progressDeadline: '90s' }));
    never(lab, 'c2');
    roll(lab).pass(91_000);
    assert.deepEqual(lab.started('v2'), [...GROUPS.g1, ...GROUPS.g2]);
  },
  O18() {
    const lab = groups(failed(0));
    lab.fails('b', 'c2');
    roll(lab).pass(HOUR);
    assert.equal(lab.phase('v2'), 'Paused');
  },
  O19() {
    const lab = groups(failed(2));
    lab.fails('b', 'c2');
    roll(lab).pass(82_000);
    assert.deepEqual(lab.started('v2'), [...GROUPS.g1, ...GROUPS.g2]);
  },
  // 30 % of 3 is rounded down, to none: one failure is already too many.
  O20() {
    const lab = groups(failed('30%'));
    lab.fails('b', 'c3');
    roll(lab).pass(HOUR);
    assert.equal(lab.phase('v2'), 'Paused');
  },
  // No stage is stricter than its strategy; what a first group has to show is `minCurrent`.
  O21() {
    const lab = groups({ failure: { maxFailed: 2, minCurrent: 3 } });
    lab.fails('b', 'c2');
    roll(lab).pass(HOUR);
    assert.equal(lab.phase('v2'), 'Paused');
    assert.deepEqual(lab.started('v2'), GROUPS.g1);
  },
  O22() {
    const lab = groups(failed('50%'), { after: [{ soak: '60s' }] });
    lab.plays.set('c3@b', [{ afterMs: 50_000, phase: 'current' }]);
    roll(lab).pass(109_000);
    assert.deepEqual(lab.started('v2'), GROUPS.g1);
    lab.pass(1_000);
    assert.deepEqual(lab.started('v2'), [...GROUPS.g1, ...GROUPS.g2]);
  },
  // Who joins a stage at work is brought to what has passed, and follows once the stage passes.
  O23() {
    const lab = roll(single(ONE, { after: [{ soak: '10m' }] }));
    lab.pass(5_000);
    lab.join('c7', 'all', 'c1');
    lab.pass(MINUTE);
    assert.equal(lab.target('c7')?.run?.revision, 'v1');
    lab.pass(10 * MINUTE);
    assert.equal(lab.passed('all'), 'v2');
    lab.pass(MINUTE);
    assert.equal(lab.states.c7, 'v2 Current');
  },
  O24() {
    const lab = roll(single(ONE, { maxConcurrent: 3 }));
    lab.pass(5_000);
    lab.join('c7', 'all', 'c1');
    assert.equal(lab.target('c7')?.run, undefined, 'it waits for a slot');
    lab.pass(HOUR);
    assert.equal(lab.states.c7, 'v2 Current');
    assert.equal(lab.world.maxInFlight.get('app/all'), 3);
  },
  O25() {
    const lab = roll(groups());
    lab.pass(25_000);
    lab.join('c10', 'g1', 'c1');
    lab.pass(1_000);
    assert.deepEqual(lab.started('v2'), [...GROUPS.g1, ...GROUPS.g2, 'c10']);
  },
  O26() {
    const lab = single(ONE, { maxConcurrent: 2 }, failed('100%'));
    lab.fails('b', 'c2');
    roll(lab).pass(25_000);
    lab.leave('c1');
    lab.pass(HOUR);
    assert.equal(lab.phase('v2'), 'Succeeded');
    assert.equal(lab.target('c1'), undefined);
  },
  O27() {
    const lab = groups();
    lab.fails('b', 'c2');
    roll(lab).pass(30_000);
    lab.leave('c2');
    lab.pass(1_000);
    assert.deepEqual(lab.started('v2'), [...GROUPS.g1, ...GROUPS.g2], 'gone before it had failed');
  },
  // What has failed has failed: that the cluster leaves afterwards ends no pause, a person does.
  O28() {
    const lab = groups();
    lab.fails('b', 'c2');
    roll(lab).pass(HOUR);
    lab.leave('c2');
    lab.pass(HOUR);
    assert.equal(lab.phase('v2'), 'Paused');
    lab.order({ kind: 'resume' });
    lab.pass(HOUR);
    assert.equal(lab.phase('v2'), 'Succeeded');
  },
  // Agents' times count for nothing: the hub counts from when it heard, in its own time.
  O29() {
    const lab = roll(single(ONE, { after: [{ soak: '2m' }] }));
    lab.pass(20_000 + 2 * MINUTE - 1_000);
    assert.equal(lab.passed('all'), 'v1');
    lab.pass(1_000);
    assert.equal(lab.passed('all'), 'v2');
  },
};

testAll(CASES);
