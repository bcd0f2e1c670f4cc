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
  for (const [seq, placement] of reported.entries()) {
    const axis = { since: at };
    const status: Status = {
      ...{ v: 1, cluster: 'east', placement, seq, at, epoch: 7, attempt: 1, counts: COUNTS },
      ...{ sync: { state: 'SYNCED', ...axis }, drift: { state: 'NONE', ...axis } },
      ...{ health: { state: 'CURRENT', ...axis }, objects: [], drifts: [], faults: [] },
      truncated: { objects: 0, drifts: 0 },
    };
    say(up.status('east', placement), status);
  }
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
