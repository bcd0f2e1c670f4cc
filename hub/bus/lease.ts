import { type Moment, thisMoment } from '#process/moment.ts';
import { fullJitter, pause } from '#process/wait.ts';
import { type Fault, FlotillaError, toFault } from '#proto/faults.ts';
import {
  isFree,
  isHeld,
  type LeaseEntry,
  RENEWALS,
  readLease,
  type Sight,
  writeLease,
} from '../core/lease.ts';
import { LEASE_KEY, type StateBucket } from './state-bucket.ts';

type Entries = Pick<StateBucket, 'get' | 'replace'>;

export type LeaseOptions = {
  /** Of this process alone. */
  id: string;
  /** What people are told. */
  name: string;
  durationMs: number;
  now?: () => Moment;
};

export type LeaseEvents = {
  /** Nobody else decides from here on; what others wrote before can be read now. */
  won(): void;
  /** Whoever decides has to stop at once. */
  lost(why: string): void;
  /** Who holds it; undefined while nobody is known to. */
  leader(lease: LeaseEntry | undefined): void;
  /** Whether the store takes writes, whoever makes them; told when it is known anew. */
  stored(fault: Fault | undefined): void;
};

/** One hub at a time decides, saves and publishes (ADR 15). This is one hub's part of finding out which. */
export class Lease {
  readonly #options: LeaseOptions;
  readonly #events: LeaseEvents;
  readonly #now: () => Moment;
  /** When this hub began to write the entry that is its own; undefined while it is not. */
  #heldSince: Moment | undefined;
  #revision = 0;
  #sight: Sight | undefined;
  #leader: LeaseEntry | undefined;
  #since = 0;

  constructor(options: LeaseOptions, events: LeaseEvents) {
    this.#options = options;
    this.#events = events;
    this.#now = options.now ?? thisMoment;
  }

  /** Whether this hub may decide and write at this very moment; to be asked right before each write. */
  get held(): boolean {
    return this.#heldSince !== undefined && isHeld(this.#heldSince, this.#now(), this.#options.durationMs);
  }

  /** Competes until the signal is aborted. What goes wrong with the store shows in `held`. */
  async run(bucket: () => Entries | undefined, signal: AbortSignal): Promise<void> {
    const every = this.#options.durationMs * RENEWALS;
    while (!signal.aborted) {
      const open = bucket();
      if (open) await this.compete(open);
      else this.#expire();
      // Not all at once, and never later than a third of what it lasts.
      await pause(every - fullJitter(1, { first: every / 5, most: every / 5 }), signal);
    }
  }

  /** As `tick`; what is wrong with the store is told to `stored`. */
  async compete(bucket: Entries): Promise<void> {
    try {
      await this.tick(bucket);
    } catch (error) {
      if (!(error instanceof FlotillaError)) throw error;
      this.#events.stored(toFault(error));
    }
    this.#expire();
  }

  /** Renews it, takes it, or looks at who has it. @throws FlotillaError store-failed */
  async tick(bucket: Entries): Promise<void> {
    this.#expire();
    if (this.#heldSince !== undefined) return this.#write(bucket, this.#revision);
    const stored = await bucket.get(LEASE_KEY);
    const lease = stored && readLease(stored.text);
    const { durationMs } = this.#options;
    if (stored && stored.revision !== this.#sight?.revision) {
      if (this.#sight) this.#events.stored(undefined); // somebody has written
      this.#sight = { revision: stored.revision, at: this.#now(), durationMs };
    }
    // What is its own was written without hearing that it arrived.
    const isOwn = lease?.id === this.#options.id;
    this.#show(lease?.id === '' || isOwn ? undefined : lease);
    if (!isOwn && !isFree(lease, stored && this.#sight, this.#now(), durationMs)) return;
    this.#since = this.#now().wall;
    await this.#write(bucket, stored?.revision ?? 0);
  }

  /** Lets another hub take over at once. */
  async release(bucket: Entries): Promise<void> {
    if (!this.held) return;
    const { name, durationMs } = this.#options;
    this.#heldSince = undefined;
    const entry = { id: '', name, since: this.#since, durationMs };
    await bucket.replace(LEASE_KEY, writeLease(entry), this.#revision);
  }

  async #write(bucket: Entries, over: number): Promise<void> {
    const { id, name, durationMs } = this.#options;
    const began = this.#now();
    const lease = { id, name, since: this.#since, durationMs };
    const revision = await bucket.replace(LEASE_KEY, writeLease(lease), over);
    this.#events.stored(undefined);
    const had = this.#heldSince !== undefined;
    if (revision === undefined) {
      if (had) this.#lose('another hub has taken the lease');
      return;
    }
    this.#revision = revision;
    this.#heldSince = began;
    this.#show(lease);
    if (!had) this.#events.won();
  }

  #expire(): void {
    if (this.#heldSince !== undefined && !this.held) this.#lose('the lease could not be renewed in time');
  }

  #lose(why: string): void {
    this.#heldSince = undefined;
    this.#sight = undefined;
    this.#show(undefined);
    this.#events.lost(why);
  }

  #show(lease: LeaseEntry | undefined): void {
    if (lease?.id === this.#leader?.id) return;
    this.#leader = lease;
    this.#events.leader(lease);
  }
}
