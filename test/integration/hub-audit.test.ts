import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { AuditLog } from '#hub/bus/audit-log.ts';
import { AuditWriter } from '#hub/bus/audit-writer.ts';
import { dialNats } from '#hub/bus/connect.ts';
import { ensureStreams, HISTORY_PER_ASSIGNMENT } from '#hub/bus/streams.ts';
import type { ApplyEntry, AuditEntry } from '#hub/core/audit-entry.ts';
import type { AuditQuestion } from '#hub/core/audit-reader.ts';
import { Denials } from '#hub/denials.ts';
import { auditSubject, historySubject, STREAMS } from '#proto/subjects.ts';
import type { NatsServer } from '../bed/nats-server.ts';
import { makeScratch, type Scratch } from '../bed/scratch.ts';
import { startTrustedNats } from './hub-nats.ts';

/** The trail in a real JetStream. One stream for all tests of this file: it cannot be emptied, which is a law of its own. */
const signal = new AbortController().signal;
let scratch: Scratch;
let nats: NatsServer;
let hub: NatsConnection;
let writer: AuditWriter;
let log: AuditLog;

before(async () => {
  scratch = await makeScratch('audit');
  const started = await startTrustedNats(scratch.dir);
  ({ nats } = started);
  const options = { servers: [nats.url], trust: started.trust, reconnectMs: 500 };
  hub = (await dialNats(options, (fault) => assert.fail(fault.message), signal))!;
  const manager = await jetstreamManager(hub, { checkAPI: false });
  await ensureStreams(manager);
  writer = new AuditWriter(jetstream(hub));
  log = new AuditLog(jetstream(hub), manager);
});
after(async () => {
  await hub?.close();
  await nats?.stop();
  await scratch?.[Symbol.asyncDispose]();
});

const entry = (id: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
  id,
  at: Date.now(),
  kind: 'rollout',
  action: 'stagePassed',
  placement: 'shop',
  ...more,
});
const apply = (cluster: string, attempt: number, more: Partial<ApplyEntry> = {}): ApplyEntry => ({
  cluster,
  placement: 'shop',
  stage: 'all',
  revision: 'a'.repeat(40),
  digest: `digest-${attempt}`,
  attempt,
  purpose: 'rollout',
  startedAt: attempt,
  endedAt: attempt + 1,
  result: 'current',
  ...more,
});
const store = (entries: readonly AuditEntry[], applies: readonly ApplyEntry[] = []) =>
  writer.write({ entries, applies }, signal);
async function all(question: Partial<AuditQuestion>): Promise<string[]> {
  const ids: string[] = [];
  for (let before: number | undefined; ; ) {
    const { rows, next } = await log.audit({ first: 3, ...question, ...(before && { before }) }, signal);
    ids.push(...rows.map(({ id }) => id));
    if (next === undefined) return ids;
    before = next;
  }
}

test('a trail that nothing was written to is empty', async () => {
  assert.deepEqual(await log.audit({ first: 10 }, signal), { rows: [], next: undefined });
  assert.deepEqual(await log.history('east', undefined, signal), []);
});

test('a trail that was restored, all of it stored at one time, is read by when things happened', async () => {
  const first = Date.now() - 30 * 86_400_000;
  const hours = Array.from({ length: 24 }, (_, at) => first + at * 3_600_000);
  for (const [at, time] of hours.entries()) {
    await store([entry(`hour-${at}`, { action: 'restored', at: time })]);
    await writer.writeResult({ id: `hour-${at}`, result: 'done' }, signal);
  }
  const named = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, at) => `hour-${to - 1 - at}`);
  const until = (at: number, more: object = {}) => all({ actions: ['restored'], until: hours[at]!, ...more });
  assert.deepEqual(await until(5), named(0, 5));
  assert.deepEqual(await until(20, { since: hours[18]! }), named(18, 20));
  assert.deepEqual(await until(0), []);
});

test('what is written twice under one id is there once', async () => {
  const twice = entry('twice', { action: 'twice' });
  await store([twice], [apply('dup', 1)]);
  await store([twice, entry('once', { action: 'twice' })], [apply('dup', 1)]);
  assert.deepEqual(await all({ actions: ['twice'] }), ['once', 'twice']);
  assert.equal((await log.history('dup', 'shop', signal)).length, 1);
});

test('an operation is there before it is done, and says afterwards how it ended', async () => {
  const operation = entry('op-1', { kind: 'operation', action: 'pause', by: 'ann', reason: 'why not' });
  await store([operation]);
  const [before] = (await log.audit({ first: 1, actor: 'ann' }, signal)).rows;
  assert.deepEqual(
    [before?.action, before?.by, before?.reason, before?.result],
    ['pause', 'ann', 'why not', undefined],
  );
  await writer.writeResult({ id: 'op-1', result: 'done' }, signal);
  await writer.writeResult({ id: 'op-1', result: 'done' }, signal);
  const { rows, next } = await log.audit({ first: 5, actor: 'ann' }, signal);
  assert.deepEqual(
    rows.map(({ id, result }) => [id, result]),
    [['op-1', 'done']],
  );
  assert.equal(next, undefined);
});

test('an order that was not permitted is there with why it was refused', async () => {
  const denials = new Denials({ audit: writer, warn: assert.fail, now: Date.now });
  const command = { kind: 'hold', cluster: 'c1', by: 'eve', reason: 'because' } as const;
  await denials.tell([{ command, why: 'eve may not hold: the token is in no group' }], signal);
  const { rows } = await log.audit({ first: 5, actor: 'eve' }, signal);
  assert.deepEqual(
    rows.map(({ action, cluster, result }) => [action, cluster, result]),
    [['hold', 'c1', 'refused: eve may not hold: the token is in no group']],
  );
});

test('pages are newest first, neither repeat nor skip while more is written, and know what they are asked for', async () => {
  const base = Date.now() - 10_000;
  const ids = Array.from({ length: 12 }, (_, at) => `page-${String(at).padStart(2, '0')}`);
  for (const [at, id] of ids.entries())
    await store([entry(id, { action: 'paged', at: base + at, by: at % 2 === 0 ? 'even' : 'odd' })]);
  const first = await log.audit({ first: 5, actions: ['paged'] }, signal);
  assert.deepEqual(
    first.rows.map(({ id }) => id),
    ids.slice(7).reverse(),
  );
  await store([entry('later', { action: 'paged', at: base + 100 })]);
  const second = await log.audit({ first: 5, actions: ['paged'], before: first.next }, signal);
  assert.deepEqual(
    second.rows.map(({ id }) => id),
    ids.slice(2, 7).reverse(),
  );
  assert.deepEqual(await all({ actions: ['paged'], actor: 'even', until: base + 5 }), [
    'page-04',
    'page-02',
    'page-00',
  ]);
  assert.deepEqual(await all({ actions: ['paged'], since: base + 11 }), ['later', 'page-11']);
  assert.deepEqual(await all({ actions: ['nothing'] }), []);
});

test('a time long ago, and one to come, find their places', async () => {
  assert.deepEqual(await all({ until: Date.now() - 86_400_000, actions: ['stagePassed'] }), []);
  assert.deepEqual(await all({ since: Date.now() + 86_400_000 }), []);
  await store([entry('now')]);
  assert.deepEqual(
    await all({ since: Date.now() - 60_000, until: Date.now() + 60_000, actions: ['stagePassed'] }),
    ['now'],
  );
});

test('pages go through more than one block', async () => {
  const many = Array.from({ length: 1_200 }, (_, at) =>
    entry(`many-${at}`, { action: at % 400 === 0 ? 'rare' : 'many' }),
  );
  await store(many);
  assert.deepEqual(await all({ actions: ['rare'] }), ['many-800', 'many-400', 'many-0']);
  assert.equal((await all({ actions: ['many'], first: 100 })).length, 1_197);
});

test('what nobody can read is skipped and hides nothing', async () => {
  await jetstream(hub).publish(auditSubject('rollout', 'shop'), 'nonsense');
  await jetstream(hub).publish(historySubject('odd', 'shop'), '{"v":9}');
  await store([entry('behind', { action: 'behind' })], [apply('odd', 5)]);
  assert.deepEqual(await all({ actions: ['behind'] }), ['behind']);
  assert.equal((await log.history('odd', undefined, signal)).length, 1);
});

test('the history of a cluster is newest first, says what each attempt led from, and keeps the newest', async () => {
  await store(
    [],
    [apply('west', 1), apply('west', 2, { result: 'failed', digest: 'bad' }), apply('west', 3)],
  );
  await store([], [{ ...apply('west', 4), placement: 'other' }]);
  const rows = await log.history('west', undefined, signal);
  assert.deepEqual(
    rows.map(({ placement, attempt, result, from }) => [placement, attempt, result, from]),
    [
      ['other', 4, 'current', undefined],
      ['shop', 3, 'current', 'digest-1'],
      ['shop', 2, 'failed', 'digest-1'],
      ['shop', 1, 'current', undefined],
    ],
  );
  assert.equal((await log.history('west', 'other', signal)).length, 1);
  const busy = Array.from({ length: HISTORY_PER_ASSIGNMENT + 20 }, (_, at) => apply('busy', at + 1));
  await store([], busy);
  const kept = await log.history('busy', 'shop', signal);
  assert.deepEqual([kept.length, kept[0]?.attempt], [HISTORY_PER_ASSIGNMENT, HISTORY_PER_ASSIGNMENT + 20]);
  assert.equal((await log.history('west', undefined, signal)).length, 4);
});

test('nothing of the audit can be deleted or purged', async () => {
  const { streams } = await jetstreamManager(hub, { checkAPI: false });
  await assert.rejects(streams.purge(STREAMS.audit));
  await assert.rejects(streams.deleteMessage(STREAMS.audit, 1));
});

test('a store that refuses is said so, and nothing is taken for written', async () => {
  const { streams } = await jetstreamManager(hub, { checkAPI: false });
  const { config } = await streams.info(STREAMS.audit);
  const { state } = await streams.info(STREAMS.audit);
  await streams.update(STREAMS.audit, { ...config, max_bytes: state.bytes + 10, discard: 'new' as never });
  await assert.rejects(store([entry('too-much')]), { code: 'store-failed' });
  await streams.update(STREAMS.audit, config);
  await store([entry('too-much', { action: 'again' })]);
  assert.deepEqual(await all({ actions: ['again'] }), ['too-much']);
});
