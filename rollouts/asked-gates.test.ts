import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GateSpec } from '#proto/documents/strategy.ts';
import { Lab, MINUTE, ring } from './testing/lab.ts';

/** A strategy is in force at once, also where gates were answered under the one before. */
const RINGS = { canary: ['c1'], broad: ['b1'] };
const approval = (...groups: string[]) => ({ approval: { groups } });
const webhook = (host: string) => ({ webhook: { url: `https://${host}/`, secret: 'change-desk' } });
const gated = (...before: GateSpec[]) => ({ stages: [ring('canary'), ring('broad', { before })] });

/** A version that has passed the canaries and stands before the gates of the rest. */
function stands(...before: GateSpec[]): Lab {
  const lab = new Lab(RINGS, gated(...before), { c1: 'a', b1: 'a' });
  lab.commit('v2', { c1: 'b', b1: 'b' });
  lab.pass(MINUTE);
  assert.deepEqual(lab.started('v2'), ['c1']);
  return lab;
}
const approve = (lab: Lab, by: string, group: string) =>
  lab.order({ kind: 'approve', stage: 'broad', groups: [group] }, by);

test('an approval is none of a gate that is put before its own, and is kept for its own', () => {
  const lab = stands(approval('ops'), approval('law'));
  assert.equal(approve(lab, 'olga', 'ops'), undefined);
  assert.match(lab.waiting('broad'), /approval by law/);
  lab.strategy(gated(approval('security'), approval('ops'), approval('law')));
  lab.pass(MINUTE);
  assert.match(lab.waiting('broad'), /approval by security/);
  assert.equal(approve(lab, 'sam', 'security'), undefined);
  assert.match(lab.waiting('broad'), /approval by law/);
  assert.equal(approve(lab, 'lea', 'law'), undefined);
  lab.pass(MINUTE);
  assert.equal(lab.phase('v2'), 'Succeeded');
});

test('what one group has given is nothing to a gate that asks another', () => {
  const lab = stands({ approval: { groups: ['dev'], count: 2 } });
  assert.equal(approve(lab, 'dan', 'dev'), undefined);
  lab.strategy(gated(approval('security')));
  lab.pass(MINUTE);
  assert.deepEqual([lab.started('v2'), lab.phase('v2')], [['c1'], 'AwaitingApproval']);
  lab.strategy(gated({ approval: { groups: ['security'], count: 2 } }));
  assert.equal(approve(lab, 'sam', 'security'), undefined);
  lab.strategy(gated(approval('security')));
  lab.pass(MINUTE);
  assert.equal(lab.phase('v2'), 'Succeeded');
});

test('one approval is not counted at two gates that ask the same', () => {
  const lab = stands({ approval: { groups: ['ops'], count: 2 } });
  assert.equal(approve(lab, 'olga', 'ops'), undefined);
  lab.strategy(gated(approval('security'), approval('ops'), approval('ops')));
  assert.equal(approve(lab, 'sam', 'security'), undefined);
  assert.match(lab.waiting('broad'), /approval by ops/);
  assert.deepEqual(lab.started('v2'), ['c1']);
});

test('a webhook that is put in the place of another is asked, under an id of its own', () => {
  const asked: string[][] = [];
  const lab = new Lab(RINGS, gated(webhook('wrong.example')), { c1: 'a', b1: 'a' });
  lab.world.answer = (id, url) => {
    asked.push([id.split('/').slice(-3).join('/'), new URL(url).host]);
    return { says: url.includes('right') ? 'yes' : 'no' };
  };
  lab.commit('v2', { c1: 'b', b1: 'b' });
  lab.pass(MINUTE);
  assert.match(lab.waiting('broad'), /wrong\.example says no/);
  lab.strategy(gated(webhook('right.example')));
  lab.pass(MINUTE);
  assert.equal(lab.phase('v2'), 'Succeeded');
  assert.deepEqual(asked, [
    ['before/0/0', 'wrong.example'],
    ['before/0/1', 'right.example'],
  ]);
});
