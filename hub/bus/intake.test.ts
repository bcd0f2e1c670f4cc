import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '#proto/limits.ts';
import type { Heartbeat } from '#proto/messages.ts';
import fc from '#test/laws.ts';
import { Intake, type IntakeTarget } from './intake.ts';

/** Notes what it is told, in short. */
class Noted implements IntakeTarget {
  readonly taken: string[] = [];
  readonly refused: string[] = [];
  knows = (cluster: string) => cluster !== 'stranger';
  onStatus = ({ cluster, placement }: { cluster: string; placement: string }) =>
    void this.taken.push(`status ${cluster} ${placement}`);
  onHello = ({ cluster }: { cluster: string }) => void this.taken.push(`hello ${cluster}`);
  onHeartbeat = ({ cluster, epoch }: Heartbeat) => void this.taken.push(`heartbeat ${cluster} ${epoch}`);
  onEvent = ({ cluster }: { cluster: string }) => void this.taken.push(`event ${cluster}`);
  onRefused = (cluster: string, reason: string) => void this.refused.push(`${cluster} ${reason}`);
}

const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const at = '2026-01-01T00:00:00Z';
const beat = (cluster: string, epoch = 1) => bytes({ v: 1, cluster, at, epoch, statusHash: '', faults: [] });
const axis = { state: 'UNKNOWN', since: at };
const status = (placement: string) => ({
  ...{
    v: 1,
    cluster: 'east',
    placement,
    seq: 1,
    at,
    epoch: 7,
    attempt: 1,
    objects: [],
    drifts: [],
    faults: [],
  },
  ...{ sync: axis, drift: axis, health: axis, truncated: { objects: 0, drifts: 0 } },
  counts: { objects: 0, created: 0, configured: 0, unchanged: 0, pruned: 0, skipped: 0, failed: 0 },
});
const event = (cluster: string) => bytes({ v: 1, cluster, type: 'PROBLEM_FOUND', at, message: 'm' });

function intake(rate?: { perSecond: number; burst: number }) {
  const target = new Noted();
  return { target, intake: new Intake(target, rate) };
}

test('a message is taken when subject and body name the same known cluster', () => {
  const { target, intake: it } = intake();
  it.receive('up.east.hb', beat('east'), 0);
  assert.deepEqual(target.taken, ['heartbeat east 1']);
  assert.deepEqual(target.refused, []);
});

for (const [what, subject, data, reason] of [
  ['names another cluster', 'up.east.hb', beat('west'), 'east wrong-cluster'],
  ['comes from nobody known', 'up.stranger.hb', beat('stranger'), 'stranger unknown-cluster'],
  ['is not JSON', 'up.east.hb', bytes('{'), 'east malformed'],
  ['lacks a field', 'up.east.hello', bytes({ v: 1, cluster: 'east' }), 'east malformed'],
  ['has another version', 'up.east.hb', bytes({ v: 9 }), 'east version-unknown'],
  ['is too large', 'up.east.hb', Buffer.alloc(LIMITS.messageBytes + 1), 'east too-large'],
  ['has a subject that nobody knows', 'up.east.other', bytes('{}'), 'east unknown-subject'],
  ['has too many tokens', 'up.east.status.a.b', bytes('{}'), 'east unknown-subject'],
] as const) {
  test(`a message that ${what} is refused with a reason`, () => {
    const { target, intake: it } = intake();
    it.receive(subject, data, 0);
    assert.deepEqual([target.taken, target.refused], [[], [reason]]);
  });
}

test('whatever arrives, nothing is thrown and everything is taken or refused', () => {
  const subject = fc.oneof(
    fc.constantFrom('up.a.hello', 'up.a.hb', 'up.a.event', 'up.a.status.p'),
    fc.string(),
  );
  const data = fc.oneof(fc.json(), fc.string()).map(bytes);
  fc.assert(
    fc.property(subject, data, (on, body) => {
      const { target, intake: it } = intake();
      it.receive(on, body, 0);
      assert.equal(target.taken.length + target.refused.length, 1);
    }),
  );
});

test('over its rate a cluster’s newest message of each subject waits, older ones are dropped', () => {
  const { target, intake: it } = intake({ perSecond: 1, burst: 1 });
  for (const epoch of [1, 2, 3, 4]) it.receive('up.east.hb', beat('east', epoch), 1_000);
  it.receive('up.west.hb', beat('west', 9), 1_000);
  assert.deepEqual(target.taken, ['heartbeat east 1', 'heartbeat west 9']);
  assert.ok(it.isBehind('east'));
  it.drain(1_500);
  assert.equal(target.taken.length, 2);
  it.drain(2_000);
  assert.deepEqual(target.taken.slice(2), ['heartbeat east 4']);
  assert.ok(!it.isBehind('east'));
});

test('what waits for a subject is never overtaken by an older message of it', () => {
  const { target, intake: it } = intake({ perSecond: 1, burst: 1 });
  for (const epoch of [1, 2]) it.receive('up.east.hb', beat('east', epoch), 1_000);
  it.receive('up.east.hb', beat('east', 3), 5_000);
  it.drain(5_000);
  assert.deepEqual(target.taken, ['heartbeat east 1', 'heartbeat east 3']);
});

test('events over the rate are dropped and counted: one cannot stand for another', () => {
  const { target, intake: it } = intake({ perSecond: 1, burst: 2 });
  for (let i = 0; i < 4; i++) it.receive('up.east.event', event('east'), 1_000);
  it.drain(60_000);
  assert.deepEqual([target.taken.length, target.refused], [2, ['east too-many', 'east too-many']]);
});

test('what waits is bounded, whatever subjects an agent makes up', () => {
  const { target, intake: it } = intake({ perSecond: 1, burst: 1 });
  for (let i = 0; i < 2_000; i++) it.receive(`up.east.status.p${i}`, bytes('{}'), 1_000);
  assert.equal(target.refused.filter((reason) => reason === 'east too-many').length, 2_000 - 1 - 512);
});

for (const count of [200, 713, 1_700])
  test(`who sends all ${count} that it has again and again is heard out`, () => {
    const { target, intake: it } = intake();
    let now = 0;
    for (let round = 0; round <= Math.ceil(count / 512); round++) {
      for (let i = 0; i < count; i++) it.receive(`up.east.status.p${i}`, bytes(status(`p${i}`)), now);
      it.receive('up.east.hb', beat('east'), now);
      for (const end = now + 15_000; now < end; now += 1_000) it.drain(now);
    }
    const heard = new Set(target.taken.filter((one) => one.startsWith('status')));
    assert.equal(heard.size, count);
    assert.ok(target.taken.includes('heartbeat east 1'));
  });

test('stored messages are taken at once, whatever the rate', () => {
  const { target, intake: it } = intake({ perSecond: 1, burst: 1 });
  for (const epoch of [1, 2, 3]) it.replay('up.east.hb', beat('east', epoch), 1_000);
  assert.equal(target.taken.length, 3);
});
