import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Status } from '#proto/messages.ts';
import { statusSetHash } from '#proto/status-set.ts';
import type { StatusContent } from '../core/status.ts';
import { Outbox, type Wire } from './outbox.ts';

/** Remembers what was published; `flush` waits to be let through. */
class FakeWire implements Wire {
  connected = true;
  readonly sent: Status[] = [];
  #gate = Promise.withResolvers<void>();

  publish(_subject: string, text: string): boolean {
    if (this.connected) this.sent.push(JSON.parse(text));
    return this.connected;
  }
  async flush(): Promise<void> {
    await this.#gate.promise;
  }
  letThrough(): void {
    this.#gate.resolve();
  }
  breakOff(): void {
    this.connected = false;
    this.#gate.reject(new Error('gone'));
    this.#gate = Promise.withResolvers();
  }
}

const axis = <S>(state: S) => ({ state, since: '2026-11-22T10:00:00.000Z' });
const zero = { objects: 0, created: 0, configured: 0, unchanged: 0, pruned: 0, skipped: 0, failed: 0 };
const content = (attempt: number, more: Partial<StatusContent> = {}): StatusContent => ({
  epoch: 1,
  attempt,
  sync: axis('PENDING' as const),
  drift: axis('UNKNOWN' as const),
  health: axis('UNKNOWN' as const),
  counts: zero,
  objects: [],
  drifts: [],
  truncated: { objects: 0, drifts: 0 },
  faults: [],
  ...more,
});
const fresh = (lastSeq = 0) => {
  const end = new AbortController();
  const wire = new FakeWire();
  const outbox = new Outbox('one', wire, end.signal);
  outbox.startAbove(lastSeq);
  return { end, wire, outbox };
};

test('an echo is not there before the server has confirmed it', async () => {
  const { wire, outbox, end } = fresh();
  let echoed = false;
  outbox.set('web', content(7));
  const waiting = outbox.echoed('web', 7, end.signal).then(() => {
    echoed = true;
  });
  await turn();
  assert.equal(wire.sent.length, 1);
  assert.equal(echoed, false);
  wire.letThrough();
  await waiting;
});

test('an echo that was lost with the connection is sent again with the next one', async () => {
  const { wire, outbox, end } = fresh();
  outbox.set('web', content(7));
  const waiting = outbox.echoed('web', 7, end.signal);
  await turn();
  wire.breakOff();
  wire.connected = true;
  outbox.resume();
  wire.letThrough();
  await waiting;
  assert.deepEqual(
    wire.sent.map((status) => status.attempt),
    [7, 7],
  );
  assert.ok(wire.sent[1]!.seq > wire.sent[0]!.seq);
});

test('nothing is published while disconnected, and the newest goes out afterwards', async () => {
  const { wire, outbox } = fresh();
  wire.connected = false;
  outbox.set('web', content(1));
  outbox.set('web', content(2));
  wire.connected = true;
  outbox.resume();
  assert.deepEqual(
    wire.sent.map((status) => status.attempt),
    [2],
  );
});

test('changes within the window are one status, and an equal one is none', async () => {
  const { wire, outbox } = fresh();
  outbox.set('web', content(1));
  for (let attempt = 1; attempt <= 5; attempt++) outbox.set('web', content(attempt));
  outbox.close();
  assert.deepEqual(
    wire.sent.map((status) => status.attempt),
    [1, 5],
  );
  outbox.set('web', content(5));
  outbox.close();
  assert.equal(wire.sent.length, 2);
});

test('numbers grow beyond those of an earlier run, even if its clock was ahead', () => {
  const ahead = Date.now() + 1_000_000;
  const { wire, outbox } = fresh(ahead);
  outbox.set('web', content(1));
  outbox.set('api', content(1));
  assert.deepEqual(
    wire.sent.map((status) => status.seq),
    [ahead + 1, ahead + 2],
  );
});

test('the hash covers the newest of each placement, without what is removed', () => {
  const { wire, outbox } = fresh();
  outbox.set('web', content(1));
  outbox.set('old', content(1, { removed: true }));
  assert.equal(outbox.statusHash(), statusSetHash(new Map([['web', wire.sent[0]!.seq]])));
  const before = outbox.statusHash();
  outbox.resend(['web']);
  assert.notEqual(outbox.statusHash(), before);
});

test('an aborted wait for an echo rejects', async () => {
  const { outbox, end } = fresh();
  const gone = new AbortController();
  const waiting = outbox.echoed('web', 1, AbortSignal.any([gone.signal, end.signal]));
  gone.abort();
  await assert.rejects(waiting);
});
