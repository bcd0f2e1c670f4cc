import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advance } from '../core/advance.ts';
import { factsOf, reportsOf, snapshot } from '../core/testing/snapshot.ts';
import { EMPTY_STATE, type HubState } from '../core/types.ts';
import type { BucketEntry } from './state-bucket.ts';
import { type Bucket, StateStore } from './state-store.ts';

const NOW = 1_800_000_000_000;
const { signal } = new AbortController();
const index = snapshot({
  head: 'one',
  clusters: { c1: {}, c2: {} },
  placements: { app: { version: 'one', digests: { c1: 'd1', c2: 'd2' } } },
});
const decided = advance(EMPTY_STATE, factsOf(index), NOW).state;
/** One more report: c2 is Current. */
const later = (state: HubState): HubState => {
  const all = reportsOf(state).get('app')!;
  const reports = new Map([['app', new Map([['c2', all.get('c2')!]])]]);
  return advance(state, factsOf(index, { reports }), NOW + 1_000).state;
};

/** Entries that several hubs read and write. */
class Shared implements Bucket {
  readonly entries = new Map<string, BucketEntry>();
  readonly written: string[] = [];

  async load(): Promise<Map<string, BucketEntry>> {
    return new Map(this.entries);
  }
  async changes(): Promise<Map<string, BucketEntry>> {
    return new Map([...this.entries].filter(([key]) => this.written.includes(key)));
  }
  async put(key: string, text: string): Promise<number> {
    this.entries.set(key, { revision: 1, text });
    this.written.push(key);
    return 1;
  }
}

const refuse = (keys: readonly string[]) => assert.fail(keys.join());
const save = (store: StateStore, state: HubState) => store.save(state, () => true, signal);

async function filled(): Promise<Shared> {
  const bucket = new Shared();
  const store = new StateStore(bucket, refuse);
  await store.load(signal);
  await save(store, decided);
  bucket.written.length = 0;
  return bucket;
}

test('what was read and has not changed since is not written', async () => {
  const bucket = await filled();
  const store = new StateStore(bucket, refuse);
  const state = await store.load(signal);
  assert.deepEqual(state, decided);
  await save(store, state);
  assert.deepEqual(bucket.written, []);
  await save(store, later(state));
  assert.deepEqual(bucket.written.sort(), ['cluster.c2', 'fleet', 'line.app']);
});

test('an entry that an earlier version has left is written anew with the first save', async () => {
  const bucket = await filled();
  const line = { v: 1, version: 'f'.repeat(40), since: NOW };
  bucket.entries.set('line.old', { revision: 1, text: JSON.stringify(line) });
  const store = new StateStore(bucket, refuse);
  await save(store, await store.load(signal));
  assert.deepEqual(bucket.written, ['line.old']);
});

test('who follows another hub keeps the objects of what that one did not change', async () => {
  const bucket = await filled();
  const [leader, follower] = [new StateStore(bucket, refuse), new StateStore(bucket, refuse)];
  const before = await follower.load(signal);
  assert.equal(await follower.follow(signal), undefined);
  const state = later(await leader.load(signal));
  await save(leader, state);
  const after = await follower.follow(signal);
  assert.deepEqual(after, state);
  const targets = [before, after!].map(({ fleet }) => fleet.lines.app!.targets);
  assert.equal(targets[0]!.c1, targets[1]!.c1);
  assert.notEqual(targets[0]!.c2, targets[1]!.c2);
  assert.equal(before.clusters.c1, after!.clusters.c1);
});
