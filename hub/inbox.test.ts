import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Heartbeat, Status } from '#proto/messages.ts';
import { statusSetHash } from '#proto/status-set.ts';
import { up } from '#proto/subjects.ts';
import { aheadOf } from './core/ahead.ts';
import { factsOf, snapshot } from './core/testing/snapshot.ts';
import { EMPTY_STATE, type FleetView } from './core/types.ts';
import { Inbox } from './inbox.ts';

const at = '2026-11-23T09:00:00Z';
const named = Array.from({ length: 600 }, (_, number) => `app-${number}`);
const placements = Object.fromEntries(named.map((name) => [name, { version: 'a', digests: { east: 'd' } }]));
const index = snapshot({ head: 'a', clusters: { east: {} }, placements });
const COUNTS = { objects: 0, created: 0, configured: 0, unchanged: 0, pruned: 0, skipped: 0, failed: 0 };

function statusOf(placement: string, seq: number): Status {
  const axis = { since: at };
  return {
    ...{ v: 1, cluster: 'east', placement, seq, at, epoch: 7, attempt: 1, counts: COUNTS },
    ...{ sync: { state: 'SYNCED', ...axis }, drift: { state: 'NONE', ...axis } },
    ...{ health: { state: 'CURRENT', ...axis }, objects: [], drifts: [], faults: [] },
    truncated: { objects: 0, drifts: 0 },
  };
}

/** A hub that has lost its state, and an agent that says hello and then reports these placements. */
function hear(reported: readonly string[]) {
  const told: Heartbeat[] = [];
  const view = { onStatus: () => 0, onHeartbeat: (one: Heartbeat) => told.push(one) };
  const inbox = new Inbox({
    view: view as unknown as FleetView,
    heartbeatMs: 1_000,
    onChange: () => undefined,
    askStatus: () => undefined,
    warn: () => undefined,
  });
  inbox.setIndex(index);
  let now = 1_000;
  const say = (subject: string, message: unknown) => {
    inbox.receive(subject, Buffer.from(JSON.stringify(message)), now);
    now += 50;
    inbox.tick(now, true);
  };
  const statusHash = statusSetHash(new Map(reported.map((name, seq) => [name, seq])));
  for (const [seq, placement] of reported.entries())
    say(up.status('east', placement), statusOf(placement, seq));
  const beat = () =>
    say(up.heartbeat('east'), { v: 1, cluster: 'east', at, epoch: 7, statusHash, faults: [] });
  beat();
  const facts = { ...factsOf(index), ...inbox.facts(true) };
  return { ...aheadOf(EMPTY_STATE, facts), faults: told.at(-1)!.faults.map(({ code }) => code) };
}

test('a cluster that runs more placements than any bound is heard whole, as long as Git names them', () => {
  const { ahead, waiting, faults } = hear(named);
  assert.equal(ahead.get('east')?.has.size, 600);
  assert.equal(waiting.size, 0);
  assert.deepEqual(faults, []);
});

test('a cluster that reports more than is taken in is waited for, and a problem says so and what to do', () => {
  const { ahead, waiting, faults } = hear(named.map((name) => `else-${name}`));
  assert.equal(ahead.size, 0);
  assert.deepEqual([...waiting], ['east']);
  assert.deepEqual(faults, ['status-too-many']);
});

test('an agent that reports more at once than can wait is asked again until all is heard, and lives meanwhile', () => {
  const many = Array.from({ length: 1_500 }, (_, number) => `app-${number}`);
  const given = Object.fromEntries(many.map((name) => [name, { version: 'a', digests: { east: 'd' } }]));
  let asked = 0;
  const inbox = new Inbox({
    view: { onStatus: () => 0, onHeartbeat: () => 0 } as unknown as FleetView,
    heartbeatMs: 1_000,
    onChange: () => undefined,
    askStatus: () => void asked++,
    warn: () => undefined,
  });
  inbox.setIndex(snapshot({ head: 'a', clusters: { east: {} }, placements: given }));
  const statusHash = statusSetHash(new Map(many.map((name, seq) => [name, seq])));
  const send = (subject: string, message: unknown, now: number) =>
    inbox.receive(subject, Buffer.from(JSON.stringify(message)), now);
  const sendAll = (now: number) => {
    for (const [seq, name] of many.entries()) send(up.status('east', name), statusOf(name, seq), now);
  };
  let now = 1_000;
  sendAll(now);
  for (let answered = 0; !inbox.facts(true).isWhole('east'); now += 1_000) {
    assert.ok(now < 5 * 60_000, `${inbox.facts(true).reports.size} of 1500 heard, asked ${asked} times`);
    send(up.heartbeat('east'), { v: 1, cluster: 'east', at, epoch: 7, statusHash, faults: [] }, now);
    if (asked > answered) {
      sendAll(now);
      answered = asked;
    }
    inbox.tick(now, true);
    assert.ok(!inbox.facts(true).unreachable.has('east'));
  }
});
