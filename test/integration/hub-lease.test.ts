import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstream } from '@nats-io/jetstream';
import { dialNats } from '#hub/bus/connect.ts';
import { Lease } from '#hub/bus/lease.ts';
import { StateBucket } from '#hub/bus/state-bucket.ts';
import type { LeaseEntry } from '#hub/core/lease.ts';
import type { Moment } from '#process/moment.ts';
import { makeScratch } from '../bed/scratch.ts';
import { startTrustedNats } from './hub-nats.ts';

const signal = new AbortController().signal;

async function twoBuckets(stack: AsyncDisposableStack): Promise<[StateBucket, StateBucket]> {
  const scratch = stack.use(await makeScratch('hub-lease'));
  const { nats, trust } = await startTrustedNats(scratch.dir);
  stack.use(nats);
  const open = async () => {
    const dial = { servers: [nats.url], trust, reconnectMs: 300 };
    const connection = await dialNats(dial, ({ message }) => assert.fail(message), signal);
    stack.defer(() => connection!.close());
    const bucket = new StateBucket(jetstream(connection!));
    await bucket.open();
    return bucket;
  };
  return [await open(), await open()];
}

test('many entries are written at once, and none once somebody else has written anything', async () => {
  await using stack = new AsyncDisposableStack();
  const [mine, theirs] = await twoBuckets(stack);
  assert.equal((await mine.load(signal)).size, 0);
  const keys = Array.from({ length: 500 }, (_, at) => `cluster.c${at}`);
  const done = await Promise.all(keys.map((key) => mine.put(key, key)));
  assert.deepEqual(
    done,
    keys.map((_, at) => at + 1),
  );
  assert.equal((await theirs.load(signal)).get('cluster.c7')?.text, 'cluster.c7');
  assert.equal(await theirs.put('cluster.c7', 'theirs'), 501);
  assert.deepEqual(await Promise.all(['cluster.c8', 'cluster.c9'].map((key) => mine.put(key, 'mine'))), [
    undefined,
    undefined,
  ]);
  const entries = await mine.load(signal);
  assert.deepEqual([entries.size, entries.get('cluster.c8')?.text], [500, 'cluster.c8']);
  assert.ok(await mine.put('cluster.c8', 'mine'));
});

test('who competes in vain misses nothing of what the other writes meanwhile', async () => {
  await using stack = new AsyncDisposableStack();
  const [mine, theirs] = await twoBuckets(stack);
  const lease = await mine.replace('hub.leader', 'mine', 0);
  await mine.load(signal);
  await theirs.load(signal);
  await mine.put('cluster.a', 'one');
  await mine.put('cluster.b', 'one');
  await mine.replace('hub.leader', 'still mine', lease!);
  assert.equal(await theirs.replace('hub.leader', 'theirs', lease!), undefined);
  assert.deepEqual([...(await theirs.changes(signal)).keys()], ['cluster.a', 'cluster.b']);
  assert.deepEqual([...(await theirs.changes(signal)).keys()], []);
  await mine.put('cluster.b', 'two');
  assert.deepEqual([...(await theirs.changes(signal)).keys()], ['cluster.b']);
});

test('taking the lease keeps out every write that was decided before it, however late it comes', async () => {
  await using stack = new AsyncDisposableStack();
  const buckets = await twoBuckets(stack);
  const clock: Moment = { steady: 0, wall: 0 };
  const leaders: (string | undefined)[] = [];
  const [mine, theirs] = buckets.map(
    (_, at) =>
      new Lease(
        { id: `id-${at}`, name: `hub-${at}`, durationMs: 15_000, now: () => ({ ...clock }) },
        {
          won: () => undefined,
          lost: () => undefined,
          stored: () => undefined,
          leader: (lease: LeaseEntry | undefined) => void (at === 0 && leaders.push(lease?.name)),
        },
      ),
  ) as [Lease, Lease];
  const pass = (ms: number) => Object.assign(clock, { steady: clock.steady + ms, wall: clock.wall + ms });
  await mine.tick(buckets[0]);
  await theirs.tick(buckets[1]);
  assert.deepEqual([mine.held, theirs.held], [true, false]);
  await buckets[0].load(signal);
  assert.ok(await buckets[0].put('line.shop', 'one'));
  await mine.tick(buckets[0]);
  assert.ok(await buckets[0].put('line.shop', 'two'), 'its own renewal does not keep it out');
  pass(15_000);
  // The first one is halted here: it does not even see that its time is over.
  await theirs.tick(buckets[1]);
  pass(15_000);
  await theirs.tick(buckets[1]);
  assert.equal(theirs.held, true);
  assert.equal(await buckets[0].put('line.shop', 'three'), undefined);
  assert.equal((await buckets[1].load(signal)).get('line.shop')?.text, 'two');
  assert.ok(await buckets[1].put('line.shop', 'four'));
  await mine.tick(buckets[0]);
  assert.deepEqual(leaders, ['hub-0', undefined, 'hub-1']);
  await theirs.release(buckets[1]);
  await mine.tick(buckets[0]);
  assert.equal(mine.held, true);
});
