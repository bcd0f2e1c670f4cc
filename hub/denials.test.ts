import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import type { AuditPort } from './bus/audit-writer.ts';
import type { AuditEntry, AuditResult } from './core/audit-entry.ts';
import { Denials } from './denials.ts';

const NOW = 1_800_000_000_000;
const signal = new AbortController().signal;
const order = (revision: string) =>
  ({ kind: 'pin', whom: { cluster: 'c1' }, revision, by: 'eve', reason: 'now' }) as const;
const denied = (revision = 'v1') => ({
  command: { placement: 'shop', order: order(revision) },
  why: 'eve may not: access/ gives dev no pin',
});

function denying(more: Partial<AuditPort> = {}) {
  const entries: AuditEntry[] = [];
  const results: AuditResult[] = [];
  const warned: string[] = [];
  const time = { now: NOW };
  const audit: AuditPort = {
    write: async (trail) => void entries.push(...trail.entries),
    writeResult: async (result) => void results.push(result),
    ...more,
  };
  const denials = new Denials({ audit, warn: (message) => void warned.push(message), now: () => time.now });
  return { denials, entries, results, warned, time };
}

test('an order that is not permitted is kept: who, what, where, and why it was refused', async () => {
  const { denials, entries, results } = denying();
  await denials.tell([denied()], signal);
  const [entry] = entries;
  const { id, ...told } = entry!;
  assert.deepEqual(told, {
    at: NOW,
    kind: 'operation',
    by: 'eve',
    reason: 'now',
    action: 'pin',
    placement: 'shop',
    revision: 'v1',
    cluster: 'c1',
  });
  assert.deepEqual(results, [{ id, result: 'refused: eve may not: access/ gives dev no pin' }]);
});

test('a flood of them is not kept, is told once, and is counted in the next that is', async () => {
  const { denials, entries, results, warned, time } = denying();
  await denials.tell(
    Array.from({ length: 500 }, () => denied()),
    signal,
  );
  assert.equal(entries.length, 20);
  assert.deepEqual(warned, ['eve orders what is not permitted, over and over: the audit lists it no more']);
  time.now += 3_600_000;
  await denials.tell([denied()], signal);
  assert.match(results.at(-1)!.result, /; 480 more were refused before it that are not listed$/);
});

test('what it names is kept in part, however long it is', async () => {
  const { denials, entries } = denying();
  await denials.tell([denied('x'.repeat(90_000))], signal);
  assert.equal(entries[0]?.revision?.length, 1_000);
});

test('where it cannot be stored that is told, and nobody fails', async () => {
  const { denials, warned } = denying({
    write: async () => {
      throw new FlotillaError('store-failed', 'AUDIT cannot be written: no space left');
    },
  });
  await denials.tell([denied()], signal);
  assert.deepEqual(warned, ['a refused order is not in the audit: AUDIT cannot be written: no space left']);
});
