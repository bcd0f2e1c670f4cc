import { createHash } from 'node:crypto';
import { FlotillaError } from '#proto/faults.ts';
import { decodeInventory, encodeInventory, type Inventory, type InventoryEntry } from '#proto/inventory.ts';
import { isRecord, type KubeObject } from '../core/object.ts';
import type { InventoryStore } from '../engine/ports.ts';
import { isConflict } from '../kube/errors.ts';
import type { OwnObjects } from './api.ts';
import { type Change, type ShelfPlan, Shelves } from './shelves.ts';

/** On every ConfigMap of inventories: `N.shared`, or the placement whose own it is. The name is always the prefix and this label. */
export const INVENTORY_LABEL = 'flotilla.dev/inventory';
const PREFIX = 'flotilla-inventory-';
/** No placement has a dot in its name. */
const SHARED = '.shared';
/** Up to so many bytes an inventory, compressed, stands in a shared ConfigMap: some 150 objects. */
const INLINE_BYTES = 8_000;
/** The one key of a part. */
const PART = 'inventory';
/** On the first ConfigMap of an inventory of the older layout: the numbers of those that follow, in order. */
const OLDER_CHUNKS = 'flotilla.dev/chunks';

/** Of one placement, in its shared ConfigMap: the inventory itself in base64, else the names of its parts in order. */
type Kept = { inline?: string; parts: readonly string[] };
const NOTHING: Kept = { parts: [] };
const partsKey = (placement: string): string => `${placement}.parts`;
const base64 = (content: string | Uint8Array): string => Buffer.from(content).toString('base64');

/**
 * Inventories in ConfigMaps, `binaryData` as `proto/inventory.ts` encodes it. Several placements share `flotilla-inventory-N.shared`:
 * key `NAME`. A large one is in parts, `flotilla-inventory-NAME.HASH` of the hash of their content, which `NAME.parts` lists, comma
 * between. Parts are written before the list that names them, and go after it no longer does, so that one write moves from the old
 * inventory to the new one. Up to layout 1 each placement had `flotilla-inventory-NAME` of its own: it is in force as long as no shared
 * ConfigMap speaks of the placement, is moved there with the next write, and removed after that. An agent that knows only layout 1
 * takes the shared ones for damaged, and prunes nothing.
 */
export class ConfigMapInventoryStore implements InventoryStore {
  readonly #own: OwnObjects;
  #shelves: Shelves;
  readonly #kept = new Map<string, Kept>();
  /** Names of ConfigMaps that belong to one placement: parts, whether listed or not, and those of layout 1. */
  readonly #alone = new Map<string, Set<string>>();

  constructor(own: OwnObjects) {
    this.#own = own;
    this.#shelves = new Shelves(own, this.#plan());
  }

  /** A placement that two shared ConfigMaps speak of is named twice. @throws FlotillaError inventory-unreadable */
  async loadAll(signal: AbortSignal): Promise<Inventory[]> {
    const maps = await Array.fromAsync(this.#own.labelled('ConfigMap', INVENTORY_LABEL, signal));
    this.#shelves = new Shelves(this.#own, this.#plan());
    this.#kept.clear();
    this.#alone.clear();
    const byName = new Map(maps.map((map) => [map.metadata.name, map]));
    const inventories: Inventory[] = [];
    for (const map of maps) {
      const label = map.metadata.labels?.[INVENTORY_LABEL] ?? '';
      if (!label.endsWith(SHARED)) {
        this.#aloneOf(label).add(map.metadata.name);
        continue;
      }
      const members = membersOf(map);
      this.#shelves.register(map, [...members.keys()]);
      for (const [placement, kept] of members) {
        this.#kept.set(placement, kept);
        const parts = kept.parts.map((name) => bytesOf(byName.get(name), PART, placement));
        const chunks = kept.inline === undefined ? parts : [Buffer.from(kept.inline, 'base64')];
        inventories.push(decodeOf(placement, chunks, map.metadata.name));
      }
    }
    for (const placement of this.#alone.keys()) {
      const older = byName.get(PREFIX + placement);
      if (older && !this.#kept.has(placement)) inventories.push(olderOf(placement, older, byName));
    }
    return inventories;
  }

  async save(placement: string, entries: readonly InventoryEntry[], signal: AbortSignal): Promise<void> {
    const chunks = encodeInventory({ placement, entries });
    const [first] = chunks;
    const kept: Kept =
      chunks.length === 1 && first!.length <= INLINE_BYTES
        ? { inline: base64(first!), parts: [] }
        : { parts: await this.#putParts(placement, chunks, signal) };
    await this.#shelves.put(placement, changeOf(placement, kept), signal);
    this.#kept.set(placement, kept);
    await this.#drop(placement, kept, signal);
  }

  /** What an older layout left goes first: it must not be in force again. */
  async remove(placement: string, signal: AbortSignal): Promise<void> {
    await this.#drop(placement, this.#kept.get(placement) ?? NOTHING, signal);
    await this.#shelves.take(placement, [placement, partsKey(placement)], signal);
    this.#kept.delete(placement);
    await this.#drop(placement, NOTHING, signal);
  }

  async #putParts(placement: string, chunks: readonly Uint8Array[], signal: AbortSignal): Promise<string[]> {
    const parts: string[] = [];
    for (const chunk of chunks) {
      const label = `${placement}.${createHash('sha256').update(chunk).digest('hex').slice(0, 16)}`;
      const content = { immutable: true, binaryData: { [PART]: base64(chunk) } };
      try {
        await this.#own.create(
          'ConfigMap',
          PREFIX + label,
          content,
          { [INVENTORY_LABEL]: placement },
          signal,
        );
      } catch (error) {
        // The name is a hash of the content: what exists is what was to be written.
        if (!isConflict(error)) throw error;
      }
      this.#aloneOf(placement).add(PREFIX + label);
      parts.push(PREFIX + label);
    }
    return parts;
  }

  /** Removes what belongs to a placement and is not part of its inventory; the first of layout 1 before what it names. */
  async #drop(placement: string, { parts }: Kept, signal: AbortSignal): Promise<void> {
    const alone = this.#aloneOf(placement);
    for (const name of [...alone].toSorted()) {
      if (parts.includes(name)) continue;
      await this.#own.delete('ConfigMap', name, signal);
      alone.delete(name);
    }
  }

  #aloneOf(placement: string): Set<string> {
    const names = this.#alone.get(placement) ?? new Set();
    this.#alone.set(placement, names);
    return names;
  }

  #plan(): ShelfPlan {
    return {
      kind: 'ConfigMap',
      field: 'binaryData',
      nameOf: (number) => `${PREFIX}${number}${SHARED}`,
      labelsOf: (name) => ({ [INVENTORY_LABEL]: name.slice(PREFIX.length) }),
      whole: (placements) =>
        Object.assign({}, ...[...placements].map((name) => changeOf(name, this.#kept.get(name) ?? NOTHING))),
    };
  }
}

function changeOf(placement: string, { inline, parts }: Kept): Change {
  return {
    [placement]: inline ?? null,
    [partsKey(placement)]: parts.length > 0 ? base64(parts.join(',')) : null,
  };
}

function membersOf(map: KubeObject): Map<string, Kept> {
  const data = isRecord(map.binaryData) ? map.binaryData : {};
  const members = new Map<string, Kept>();
  for (const [key, value] of Object.entries(data)) {
    const [placement, rest] = key.split('.') as [string, string | undefined];
    const content = String(value);
    if (rest === undefined) members.set(placement, { inline: content, parts: [] });
    else members.set(placement, { parts: Buffer.from(content, 'base64').toString().split(',') });
  }
  return members;
}

function olderOf(placement: string, first: KubeObject, byName: ReadonlyMap<string, KubeObject>): Inventory {
  const numbers = first.metadata.annotations?.[OLDER_CHUNKS]?.split(',') ?? [];
  const maps = [first, ...numbers.map((number) => byName.get(`${PREFIX}${placement}.${number}`))];
  return decodeOf(
    placement,
    maps.map((map) => bytesOf(map, PART, placement)),
    first.metadata.name,
  );
}

function decodeOf(placement: string, chunks: readonly Uint8Array[], map: string): Inventory {
  const inventory = decodeInventory(chunks, `${subjectOf(placement)} (ConfigMap ${map})`);
  if (inventory.placement !== placement)
    throw unreadable(placement, `it names placement ${inventory.placement}`);
  return inventory;
}

function bytesOf(map: KubeObject | undefined, key: string, placement: string): Uint8Array {
  const data = isRecord(map?.binaryData) ? map.binaryData[key] : undefined;
  if (typeof data !== 'string') throw unreadable(placement, 'a part of it is missing');
  return Buffer.from(data, 'base64');
}

const subjectOf = (placement: string): string => `inventory of placement ${placement}`;
const unreadable = (placement: string, why: string): FlotillaError =>
  new FlotillaError('inventory-unreadable', `${subjectOf(placement)} cannot be read: ${why}`);
