import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import type { Trail } from './core/audit.ts';
import type { AuditResult } from './core/audit-entry.ts';
import { snapshot } from './core/testing/snapshot.ts';
import { EMPTY_STATE, type HubState } from './core/types.ts';
import { Decisions, type DecisionsOptions } from './decisions.ts';

const NOW = 1_800_000_000_000;
const signal = new AbortController().signal;
const index = snapshot({
  head: 'one',
  clusters: { c1: {}, c2: {} },
  placements: { app: { version: 'one', digests: { c1: 'd1', c2: 'd2' } } },
});
const full = () => new FlotillaError('store-failed', 'JetStream: AUDIT cannot be written: no space left');

/** Decisions on a hub whose agents have all said hello, and everything that was asked of the outside, in order. */
function deciding(more: Partial<DecisionsOptions> = {}) {
  const done: string[] = [];
  const written: Trail[] = [];
  const results: AuditResult[] = [];
  const warned: string[] = [];
  const decisions = new Decisions({
    view: { setState: () => undefined, onFleetEvents: () => undefined },
    inbox: {
      facts: () => ({
        heard: new Map([
          ['c1', 0],
          ['c2', 0],
        ]),
        reports: new Map(),
        unreachable: new Set(),
        counting: true,
        isWhole: () => true,
      }),
      takeChanges: () => undefined,
      remember: () => undefined,
    },
    webhooks: { want: () => void done.push('want'), answers: new Map() },
    audit: {
      write: async (trail) => {
        done.push(`write ${trail.entries.map(({ action }) => action).join(' ')}`);
        written.push(trail);
      },
      writeResult: async (result) => {
        done.push(`result ${result.result}`);
        results.push(result);
      },
    },
    countsOf: undefined,
    warn: (message) => void warned.push(message),
    save: async () => {
      done.push('save');
      return 'saved';
    },
    ...more,
  });
  decisions.adopt(EMPTY_STATE);
  const decide = (now = NOW, at = index) => decisions.decide(at, { now, connected: true }, signal);
  return { decisions, decide, done, written, results, warned };
}
const hold = (cluster: string) => ({ kind: 'hold', cluster, by: 'ann', reason: 'disk' }) as const;

test('what a step leads to is stored before it is saved, and saved before anything is asked outside', async () => {
  const { decide, done } = deciding();
  await decide();
  assert.deepEqual(done, ['write stageTook stageStarted', 'save', 'want']);
});

test('an order is stored before it is carried out, and its result after', async () => {
  const { decisions, decide, done, written, results } = deciding();
  await decide();
  done.length = 0;
  const answer = decisions.order(hold('c1'), signal);
  await decide(NOW + 1_000);
  assert.ok(!('refused' in (await answer)));
  assert.deepEqual(done.slice(0, 4), ['write hold', 'save', 'want', 'result done']);
  const entry = written.at(-1)?.entries[0];
  assert.deepEqual([entry?.by, entry?.cluster, entry?.reason], ['ann', 'c1', 'disk']);
  assert.equal(results[0]?.id, entry?.id);
});

test('what is refused is stored with why', async () => {
  const { decisions, decide, written, results } = deciding();
  const answer = decisions.order(hold('nobody'), signal);
  await decide();
  assert.ok('refused' in (await answer));
  assert.deepEqual(
    results.map(({ result }) => result),
    ['refused: there is no cluster nobody'],
  );
  assert.equal(written[0]?.entries[0]?.action, 'hold');
});

test('while the audit cannot be written nothing is decided and an order says so', async () => {
  let state: HubState | undefined;
  const refuse = async () => {
    throw full();
  };
  const { decisions, decide, done } = deciding({
    audit: { write: refuse, writeResult: refuse },
    save: async (next) => {
      state = next;
      return 'saved';
    },
  });
  const answer = decisions.order(hold('c1'), signal);
  const failed = assert.rejects(answer, { code: 'store-failed', message: /AUDIT cannot be written/ });
  await assert.rejects(decide(), { code: 'store-failed' });
  await failed;
  assert.equal(state, undefined);
  assert.equal(decisions.state, EMPTY_STATE);
  assert.deepEqual(done, []);
});

test('a result that cannot be stored takes nothing back', async () => {
  const { decisions, decide, warned } = deciding({
    audit: {
      write: async () => undefined,
      writeResult: async () => {
        throw full();
      },
    },
  });
  const answer = decisions.order(hold('c1'), signal);
  await decide();
  assert.ok(!('refused' in (await answer)));
  assert.equal(decisions.state.fleet.holds.c1?.by, 'ann');
  assert.match(warned[0]!, /^how operation \S+ ended is not in the audit: JetStream: AUDIT/);
});

test('an order that another hub was ahead of is not told as done', async () => {
  const { decisions, decide, results } = deciding({ save: async () => 'conflict' });
  const failed = assert.rejects(
    decisions.order(hold('c1'), signal),
    /another hub has decided meanwhile: try again/,
  );
  assert.equal(await decide(), 'conflict');
  await failed;
  assert.deepEqual(
    results.map(({ result }) => result),
    ['unknown: another hub has decided meanwhile'],
  );
});

test('a step in which nothing is decided leaves nothing', async () => {
  const { decide, done } = deciding();
  await decide();
  done.length = 0;
  await decide(NOW + 1_000);
  assert.deepEqual(done, ['want']);
});

test('a moment that was due is waited for no more, also where its line is not looked at any longer', async () => {
  const facts = () => ({
    heard: new Map(),
    reports: new Map(),
    unreachable: new Set<string>(),
    counting: true,
    isWhole: () => true,
  });
  const nothing = () => ({ placements: new Set<string>(), clusters: new Set<string>() });
  const { decisions, decide } = deciding({
    inbox: { facts, takeChanges: nothing, remember: () => undefined },
  });
  const held = decisions.order({ ...hold('c1'), until: NOW + 5_000 }, signal);
  await decide();
  assert.ok(!('refused' in (await held)));
  assert.equal(decisions.waitMs(NOW), 5_000);
  const unreadable = { clusters: new Set<string>(), placements: new Set(['app']) };
  await decide(NOW + 5_000, { ...index, unreadable });
  assert.ok(decisions.waitMs(NOW + 5_000) > 0);
});
