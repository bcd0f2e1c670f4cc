import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advance } from './advance.ts';
import type { Step } from './rehearsal/world.ts';
import { HOUR, Lab, MINUTE, ring } from './testing/lab.ts';

/** Histories that broke the law that a step leaves nothing to do for one right after it, and two decisions that no other test holds. */
const RINGS = { canary: ['c1', 'c2'], early: ['e1', 'e2'], broad: ['p1', 'p2'] };
const STAGES = [ring('canary'), ring('early', { maxConcurrent: 1 }), ring('broad')];
const all = (digest: string) =>
  Object.fromEntries(
    Object.values(RINGS)
      .flat()
      .map((name) => [name, digest]),
  );

function start(more = {}): Lab {
  const lab = new Lab(RINGS, { stages: STAGES, ...more }, all('a'));
  lab.world.watch = isIdempotent;
  return lab;
}
function isIdempotent({ advanced, facts, now, only }: Step): void {
  const twice = advance(advanced.state, facts, now, only);
  assert.deepEqual(twice.effects.events, [], 'something was left for another step');
  assert.deepEqual(twice.state, advanced.state);
}

test('a pin that waited under a failure starts in the step in which a fix is taken', () => {
  const lab = start();
  lab.fails('b', 'c1');
  lab.commit('v2', all('b'));
  lab.pass(5 * MINUTE);
  assert.match(lab.words().join(), /1 failed in canary/);
  lab.order({ kind: 'pin', whom: { cluster: 'c2' }, revision: 'v1' });
  lab.pass(MINUTE);
  assert.equal(lab.target('c2')?.run?.revision, 'v2');
  lab.commit('v3', all('c'));
  const told = lab
    .happened('published')
    .filter(({ cluster, revision }) => cluster === 'c2' && revision === 'v1');
  assert.deepEqual(
    told.map(({ at }) => at),
    lab.happened('resumed').map(({ at }) => at),
  );
});

test('what a cluster had shown before it was held is judged in the step in which it is released', () => {
  const lab = start({ progressDeadline: '10m' });
  lab.commit('v2', all('b'));
  lab.pass(30 * MINUTE);
  assert.equal(lab.phase('v2'), 'Succeeded');
  lab.world.agents.say('p1', 'app', 'failed');
  lab.world.settle();
  lab.pass(6 * MINUTE);
  lab.fleet({ kind: 'hold', cluster: 'p1', by: 'bob' });
  lab.strategy({ stages: STAGES, progressDeadline: '5m' });
  lab.pass(MINUTE);
  assert.deepEqual(lab.happened('regressed'), []);
  lab.fleet({ kind: 'release', cluster: 'p1', by: 'bob' });
  assert.deepEqual(
    lab.happened('regressed').map(({ cluster }) => cluster),
    ['p1'],
  );
});

test('who was relabelled past a stage keeps what is newer than the version that comes to it there', () => {
  const lab = start();
  lab.plays.set('e1@b', [{ afterMs: 5 * MINUTE, phase: 'current' }]);
  lab.commit('v2', all('b'));
  lab.pass(30_000);
  lab.commit('v3', all('c'));
  lab.pass(MINUTE);
  assert.deepEqual([lab.states.c2, lab.line().stages[1]?.work?.version], ['v3 Current', 'v2']);
  lab.relabel('c2', 'broad');
  lab.pass(HOUR);
  const took = lab.happened('stageTook').filter(({ stage }) => stage === 'broad');
  assert.deepEqual(
    took.map(({ revision }) => revision),
    ['v2', 'v3'],
  );
  assert.equal(lab.phase('v3'), 'Succeeded');
  const times = lab.started('v2').filter((name) => name === 'c2').length;
  assert.equal(times, 1, 'it was given v2 as a canary, and not again');
});

test('what an agent has of a version by another entry is no attempt of it after a loss', () => {
  const stages = [ring('canary', { maxConcurrent: 1 }), ring('early'), ring('broad')];
  const lab = start({ stages });
  lab.commit('v2', { ...all('b'), c2: 'x' });
  lab.pass(25_000);
  assert.deepEqual([lab.states.c1, lab.target('c1')?.run?.digest], ['v2 Current', 'b']);
  const { attempt } = lab.target('c1')!.run!;
  lab.lose();
  // What its entry says now is what c2's says.
  lab.join('c1', 'canary', 'c2');
  lab.fleet({ kind: 'resumeRecovered', by: 'alice', reason: 'looked at' });
  lab.pass(HOUR);
  const { run } = lab.target('c1')!;
  assert.deepEqual([run?.digest, run?.purpose, run?.phase], ['x', 'rollout', 'current']);
  assert.ok(run!.attempt > attempt);
});
