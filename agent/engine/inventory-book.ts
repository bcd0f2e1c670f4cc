import { type InventoryEntry, inventoryId } from '#proto/inventory.ts';
import { Lanes } from './pool.ts';
import type { InventoryStore } from './ports.ts';

type Entries = ReadonlyMap<string, InventoryEntry>;
const NONE: Entries = new Map();

/**
 * Inventories in memory, written through to the store. What is `noted` is written with the next `save` or `flush`: losing it costs a
 * comparison after a restart, never an orphan.
 */
export class InventoryBook {
  readonly #store: InventoryStore;
  readonly #placements = new Map<string, Entries>();
  /** Entries taken down since the last write began, by placement and id. */
  readonly #notes = new Map<string, Map<string, InventoryEntry>>();
  /** One write of an inventory at a time: each is conditional on the one before. */
  readonly #lanes = new Lanes();
  #loaded: Promise<void> | undefined;

  constructor(store: InventoryStore) {
    this.#store = store;
  }

  /** Reads everything once; a failure is tried again by the next caller. @throws FlotillaError inventory-unreadable, KubeError */
  async load(signal: AbortSignal): Promise<void> {
    this.#loaded ??= this.#read(signal);
    try {
      await this.#loaded;
    } catch (error) {
      this.#loaded = undefined;
      throw error;
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const inventories = await this.#store.loadAll(signal);
    this.#placements.clear();
    for (const { placement, entries } of inventories)
      this.#placements.set(placement, noted(entries, this.#notes.get(placement)));
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

  /** Replaces the inventory of a placement, unless it is the same already. True when something was written. */
  save(placement: string, entries: readonly InventoryEntry[], signal: AbortSignal): Promise<boolean> {
    return this.#lanes.run(placement, () => this.#save(placement, entries, signal));
  }

  /** An object that is about to be replaced is only intended again; what is noted goes with it. */
  intend(placement: string, entry: InventoryEntry, signal: AbortSignal): Promise<boolean> {
    const id = inventoryId(entry);
    return this.#lanes.run(placement, () => {
      this.#notes.get(placement)?.delete(id);
      const entries = this.entries(placement).map((each) => (inventoryId(each) === id ? entry : each));
      return this.#save(placement, entries, signal);
    });
  }

  async #save(placement: string, entries: readonly InventoryEntry[], signal: AbortSignal): Promise<boolean> {
    const notes = this.#notes.get(placement) ?? NONE;
    const after = noted(entries, notes);
    if (notes.size === 0 && isSame(this.of(placement), after)) return false;
    this.#notes.delete(placement);
    try {
      if (after.size === 0) await this.#store.remove(placement, signal);
      else await this.#store.save(placement, [...after.values()], signal);
    } catch (error) {
      // Whether it was written is not known: the next caller reads it again.
      this.#loaded = undefined;
      this.#notes.set(placement, new Map([...notes, ...(this.#notes.get(placement) ?? NONE)]));
      throw error;
    }
    if (after.size === 0) this.#placements.delete(placement);
    else this.#placements.set(placement, noted([...after.values()], this.#notes.get(placement)));
    return true;
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

  /** True when something was written. */
  async flush(placement: string, signal: AbortSignal): Promise<boolean> {
    if (!this.hasNotes(placement)) return false;
    await this.load(signal);
    return this.save(placement, this.entries(placement), signal);
  }
}

/** Entries by id, with what has been taken down of them since. */
function noted(entries: readonly InventoryEntry[], notes: Entries = NONE): Map<string, InventoryEntry> {
  const byId = new Map(entries.map((entry) => [inventoryId(entry), entry]));
  for (const [id, entry] of notes) if (byId.has(id)) byId.set(id, entry);
  return byId;
}

function isSame(a: Entries, b: Entries): boolean {
  return a.size === b.size && [...a].every(([id, entry]) => text(entry) === text(b.get(id)));
}

function text(entry: InventoryEntry | undefined): string {
  if (entry === undefined) return '';
  const applied = entry.state === 'applied' ? [entry.uid, entry.fieldsHash, entry.finished] : [];
  return [entry.state, entry.version, ...applied].join(' ');
}
