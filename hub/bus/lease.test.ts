import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Moment } from '#process/moment.ts';
import { FlotillaError } from '#proto/faults.ts';
import fc from '#test/laws.ts';
import { Lease } from './lease.ts';
import type { BucketEntry } from './state-bucket.ts';

const DURATION = 15_000;

/** The entry, as the server keeps it. */
class Shelf {
  entry: BucketEntry | undefined;
  #sequence = 0;
  write(text: string, over: number): number | undefined {
    if ((this.entry?.revision ?? 0) !== over) return undefined;
    this.entry = { revision: ++this.#sequence, text };
    return this.entry.revision;
  }
}

/** A hub whose clocks are its own; time goes by for all of them at once. */
class Rival {
  readonly said: string[] = [];
  readonly lease: Lease;
  reach: 'both' | 'no answer' | 'none' = 'both';
  clock: Moment;
  readonly #shelf: Shelf;

  constructor(id: string, shelf: Shelf, offset: number) {
    this.#shelf = shelf;
    this.clock = { steady: offset, wall: 1e12 + offset * 1_000 };
    this.lease = new Lease(
      { id, name: id, durationMs: DURATION, now: () => this.clock },
      {
        won: () => void this.said.push('won'),
        lost: () => void this.said.push('lost'),
        stored: () => undefined,
        leader: (lease) => void this.said.push(`leader ${lease?.name ?? '-'}`),
      },
    );
  }

  async tick(): Promise<void> {
    const silent = () => {
      throw new FlotillaError('store-failed', 'no answer');
    };
    const entries = {
      get: async () => (this.reach === 'both' ? this.#shelf.entry : silent()),
      replace: async (_key: string, text: string, over: number) => {
        if (this.reach === 'none') return silent();
        const revision = this.#shelf.write(text, over);
        return this.reach === 'both' ? revision : silent();
      },
    };
    await this.lease.tick(entries).catch((error: unknown) => assert.ok(error instanceof FlotillaError));
  }

  pass(ms: number): void {
    this.clock = { steady: this.clock.steady + ms, wall: this.clock.wall + ms };
  }
}

test('whatever is lost and however long somebody halts, never two hubs hold the lease', async () => {
  const act = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('tick' as const), who: fc.nat(2) }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(12_000) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('reach' as const),
        who: fc.nat(2),
        reach: fc.constantFrom('both' as const, 'both' as const, 'no answer' as const, 'none' as const),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('set' as const), who: fc.nat(2), ms: fc.integer() }),
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 80 }), async (acts) => {
      const shelf = new Shelf();
      const rivals = [0, 777, 31_000].map((offset, at) => new Rival(`hub-${at}`, shelf, offset));
      for (const one of acts) {
        if (one.kind === 'tick') await rivals[one.who]!.tick();
        else if (one.kind === 'pass') for (const rival of rivals) rival.pass(one.ms);
        else if (one.kind === 'reach') rivals[one.who]!.reach = one.reach;
        else {
          const { clock } = rivals[one.who]!;
          rivals[one.who]!.clock = { ...clock, wall: clock.wall + one.ms };
        }
        const holders = rivals.filter(({ lease }) => lease.held);
        assert.ok(holders.length <= 1, `${holders.length} hold it`);
      }
      // Somebody always comes to hold it again.
      for (const rival of rivals) rival.reach = 'both';
      for (let time = 0; time < 3 * DURATION; time += DURATION / 3) {
        for (const rival of rivals) await rival.tick();
        for (const rival of rivals) rival.pass(DURATION / 3);
      }
      for (const rival of rivals) await rival.tick();
      assert.equal(rivals.filter(({ lease }) => lease.held).length, 1);
    }),
    { numRuns: 300 },
  );
});

test('who holds it renews it, says who leads, and another takes over once it has stood still for its whole duration', async () => {
  const shelf = new Shelf();
  const [one, other] = [new Rival('hub-1', shelf, 0), new Rival('hub-2', shelf, 0)];
  await one.tick();
  await other.tick();
  assert.deepEqual([one.said, other.said], [['leader hub-1', 'won'], ['leader hub-1']]);
  for (let at = 0; at < 6; at++) {
    for (const rival of [one, other]) rival.pass(5_000);
    await one.tick();
    await other.tick();
  }
  assert.deepEqual([one.lease.held, other.lease.held], [true, false]);
  one.pass(9_999);
  assert.equal(one.lease.held, true);
  one.pass(1);
  assert.equal(one.lease.held, false);
  other.pass(14_999);
  await other.tick();
  assert.equal(other.lease.held, false);
  other.pass(1);
  await other.tick();
  assert.equal(other.lease.held, true);
  await one.tick();
  assert.deepEqual(one.said.slice(2), ['leader -', 'lost', 'leader hub-2']);
});

test('who gives it up is followed at once', async () => {
  const shelf = new Shelf();
  const [one, other] = [new Rival('hub-1', shelf, 0), new Rival('hub-2', shelf, 0)];
  await one.tick();
  await other.tick();
  await one.lease.release({
    get: async () => shelf.entry,
    replace: async (_, text, over) => shelf.write(text, over),
  });
  assert.equal(one.lease.held, false);
  await other.tick();
  assert.equal(other.lease.held, true);
});

test('an entry that cannot be read is waited for as any other', async () => {
  const shelf = new Shelf();
  shelf.write('{"v":2}', 0);
  const one = new Rival('hub-1', shelf, 0);
  await one.tick();
  assert.equal(one.lease.held, false);
  one.pass(DURATION);
  await one.tick();
  assert.equal(one.lease.held, true);
});
