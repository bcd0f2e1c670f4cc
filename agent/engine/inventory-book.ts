import { type InventoryEntry, inventoryId } from '#proto/inventory.ts';
import { Lanes } from './pool.ts';
import type { InventoryStore } from './ports.ts';

type Entries = ReadonlyMap<string, InventoryEntry>;
const NONE: Entries = new Map();
/** From what is held to what is to be held; undefined: to be left as it is. */
type ChangeOf = (held: readonly InventoryEntry[]) => readonly InventoryEntry[] | undefined;

/**
 * Inventories in memory, written through to the store. What is `noted` is written with the next `update` or `flush`: losing it costs a
 * comparison after a restart, never an orphan.
 */
export class InventoryBook {
  readonly #store: InventoryStore;
  readonly #placements = new Map<string, Entries>();
  /** Entries taken down since the last write began, by placement and id. */
  readonly #notes = new Map<string, Map<string, InventoryEntry>>();
  /** One write of an inventory at a time: each is conditional on the one before. */
  readonly #lanes = new Lanes();
  readonly #writing = new Set<Promise<void>>();
  #reading: Promise<void> | undefined;
  /** Whether memory is what the store has, and notes. */
  #isFresh = false;

  constructor(store: InventoryStore) {
    this.#store = store;
  }

  /**
   * Reads everything once, and again after a write that failed; a failure is tried again by the next caller.
   * @throws FlotillaError inventory-unreadable, KubeError
   */
  async load(signal: AbortSignal): Promise<void> {
    if (this.#isFresh) return;
    this.#reading ??= this.#read(signal).finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #read(signal: AbortSignal): Promise<void> {
    // Nothing is written while it is read, so that what is read is not older than what is known.
    await Promise.allSettled(this.#writing);
    const inventories = await this.#store.loadAll(signal);
    this.#placements.clear();
    for (const { placement, entries } of inventories)
      this.#placements.set(placement, noted(entries, this.#notes.get(placement)));
    this.#isFresh = true;
  }

  placements(): string[] {
    return [...this.#placements.keys()];
  }

  of(placement: string): Entries {
    return this.#placements.get(placement) ?? NONE;
  }

  entries(placement: string): InventoryEntry[] {
    return [...this.of(placement).values()];
  }

  /**
   * Changes the inventory of a placement, as it is when its turn has come; a change to undefined, or to what it is already, writes
   * nothing and leaves notes where they are. True when something was written.
   */
  update(placement: string, change: ChangeOf, signal: AbortSignal): Promise<boolean> {
    return this.#inTurn(placement, signal, () => {
      const after = change(this.entries(placement));
      return after && !isSame(this.of(placement), byIdOf(after)) ? after : undefined;
    });
  }

  /** An object that is about to be replaced is only intended again; what is noted goes with it. */
  intend(placement: string, entry: InventoryEntry, signal: AbortSignal): Promise<boolean> {
    const id = inventoryId(entry);
    return this.update(
      placement,
      (entries) => entries.map((each) => (inventoryId(each) === id ? entry : each)),
      signal,
    );
  }

  /** Writes what is only noted. True when there was something. */
  flush(placement: string, signal: AbortSignal): Promise<boolean> {
    return this.#inTurn(placement, signal, () =>
      this.hasNotes(placement) ? this.entries(placement) : undefined,
    );
  }

  #inTurn(
    placement: string,
    signal: AbortSignal,
    next: () => readonly InventoryEntry[] | undefined,
  ): Promise<boolean> {
    return this.#lanes.run(placement, async () => {
      while (!this.#isFresh) await this.load(signal);
      const after = next();
      if (after === undefined) return false;
      const writing = this.#write(placement, after, signal);
      this.#writing.add(writing);
      await writing.finally(() => this.#writing.delete(writing));
      return true;
    });
  }

  async #write(placement: string, entries: readonly InventoryEntry[], signal: AbortSignal): Promise<void> {
    const notes = this.#notes.get(placement) ?? NONE;
    this.#notes.delete(placement);
    try {
      if (entries.length === 0) await this.#store.remove(placement, signal);
      else await this.#store.save(placement, entries, signal);
    } catch (error) {
      // Whether it was written is not known: the next caller reads it again.
      this.#isFresh = false;
      this.#notes.set(placement, new Map([...notes, ...(this.#notes.get(placement) ?? NONE)]));
      throw error;
    }
    if (entries.length === 0) this.#placements.delete(placement);
    else this.#placements.set(placement, noted(entries, this.#notes.get(placement)));
  }

  /** Takes a changed entry down without writing it yet. */
  note(placement: string, entry: InventoryEntry): void {
    const id = inventoryId(entry);
    const before = this.of(placement);
    if (!before.has(id) || isSame(new Map([[id, before.get(id)!]]), new Map([[id, entry]]))) return;
    this.#placements.set(placement, new Map(before).set(id, entry));
    const notes = this.#notes.get(placement) ?? new Map<string, InventoryEntry>();
    this.#notes.set(placement, notes.set(id, entry));
  }

  hasNotes(placement: string): boolean {
    return (this.#notes.get(placement)?.size ?? 0) > 0;
  }
}

/** Entries by id, with what has been taken down of them since. */
function noted(entries: readonly InventoryEntry[], notes: Entries = NONE): Map<string, InventoryEntry> {
  const byId = byIdOf(entries);
  for (const [id, entry] of notes) if (byId.has(id)) byId.set(id, entry);
  return byId;
}

const byIdOf = (entries: readonly InventoryEntry[]): Map<string, InventoryEntry> =>
  new Map(entries.map((entry) => [inventoryId(entry), entry]));

function isSame(a: Entries, b: Entries): boolean {
  return a.size === b.size && [...a].every(([id, entry]) => text(entry) === text(b.get(id)));
}

function text(entry: InventoryEntry | undefined): string {
  if (entry === undefined) return '';
  const applied = entry.state === 'applied' ? [entry.uid, entry.fieldsHash, entry.finished] : [];
  return [entry.state, entry.version, ...applied].join(' ');
}
