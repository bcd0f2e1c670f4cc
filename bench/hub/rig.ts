import type { BucketEntry } from '#hub/bus/state-bucket.ts';
import { type Bucket, StateStore } from '#hub/bus/state-store.ts';
import { numberedDocumentOf } from '#hub/core/desired.ts';
import type { HubState, IndexSnapshot } from '#hub/core/types.ts';
import { ReadModel } from '#hub/core/view.ts';
import { Decisions } from '#hub/decisions.ts';
import { Inbox } from '#hub/inbox.ts';
import type { Sent } from './agents.ts';

/** The hub's key-value bucket, in memory: what would be written is counted. */
export class MemoryBucket implements Bucket {
  readonly #entries = new Map<string, BucketEntry>();
  writes = 0;
  bytes = 0;

  async load(): Promise<Map<string, BucketEntry>> {
    return new Map(this.#entries);
  }

  async changes(): Promise<Map<string, BucketEntry>> {
    return new Map();
  }

  async put(key: string, text: string): Promise<number> {
    this.#entries.set(key, { revision: 1, text });
    this.writes += 1;
    this.bytes += text.length;
    return 1;
  }
}

/**
 * One hub as `hub/hub.ts` wires it, without Git, NATS and the API: messages go in as bytes, and what it decides is saved and its
 * documents are made.
 */
export class Rig {
  readonly view: ReadModel;
  readonly bucket: MemoryBucket;
  readonly #inbox: Inbox;
  readonly #decisions: Decisions;
  readonly #store: StateStore;
  readonly #signal = new AbortController().signal;
  #index: IndexSnapshot | undefined;
  now: number;

  constructor(bucket: MemoryBucket, now: number) {
    this.bucket = bucket;
    this.now = now;
    this.#store = new StateStore(bucket, refuse);
    this.view = new ReadModel({ startedAt: now });
    this.#inbox = new Inbox({
      view: this.view,
      heartbeatMs: 15_000,
      onChange: () => undefined,
      askStatus: (cluster) => refuse([`the statuses of ${cluster} are not whole`]),
      warn: (message) => refuse([message]),
    });
    this.#decisions = new Decisions({
      view: this.view,
      inbox: this.#inbox,
      webhooks: { want: () => undefined, answers: new Map() },
      audit: { write: async () => undefined, writeResult: async () => undefined },
      countsOf: (...attempt) => this.view.countsOf(...attempt),
      warn: (message) => refuse([message]),
      save: (state, signal) => this.#store.save(state, () => true, signal),
    });
    this.view.setBus({ ok: true });
  }

  /** Reads what is saved. */
  async begin(): Promise<void> {
    this.#decisions.adopt(await this.#store.load(this.#signal));
  }

  get state(): HubState {
    return this.#decisions.state;
  }

  setIndex(index: IndexSnapshot): void {
    this.#index = index;
    this.#inbox.setIndex(index);
    this.#decisions.lookAtAll();
    this.view.setIndex(index);
  }

  /** As of now; time passes as far as `tick` says. */
  receive({ subject, data }: Sent): void {
    this.#inbox.receive(subject, data, this.now);
  }

  replay({ subject, data }: Sent): void {
    this.#inbox.replay(subject, data, this.now);
  }

  tick(ms: number): void {
    this.now += ms;
    this.#inbox.tick(this.now, true);
    this.view.tick(this.now);
  }

  get waitMs(): number {
    return this.#decisions.waitMs(this.now);
  }

  /** Everything is looked at with the next decision. */
  lookAtAll(): void {
    this.#decisions.lookAtAll();
  }

  /** Clusters whose document is another one now. */
  async decide(): Promise<readonly string[]> {
    const changed = await this.#decisions.decide(
      this.#index!,
      { now: this.now, connected: true },
      this.#signal,
    );
    if (changed === 'conflict') throw new Error('nobody else decides here');
    for (const cluster of changed) numberedDocumentOf(this.state, cluster);
    return changed;
  }
}

function refuse(why: readonly string[]): never {
  throw new Error(why.join(', '));
}
