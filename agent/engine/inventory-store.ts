import { FlotillaError } from '#proto/faults.ts';
import { decodeInventory, encodeInventory, type Inventory, type InventoryEntry } from '#proto/inventory.ts';
import { isRecord, type KubeObject } from '../core/object.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Resource } from '../kube/discovery.ts';
import { isNotFound, isStatus } from '../kube/errors.ts';
import type { InventoryStore } from './ports.ts';

const CONFIG_MAP: Resource = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};
const NAMESPACE: Resource = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};
/** Names the placement whose inventory a ConfigMap holds. */
export const INVENTORY_LABEL = 'flotilla.dev/inventory';
/** On the first ConfigMap of an inventory: the numbers of those that follow, in order. */
const CHUNKS = 'flotilla.dev/chunks';
const KEY = 'inventory';

/** The first ConfigMap, or a further one. */
export const inventoryName = (placement: string, chunk?: number): string =>
  `flotilla-inventory-${placement}${chunk === undefined ? '' : `.${chunk}`}`;

/**
 * Inventories as ConfigMaps, gzip in `binaryData` (the encoding is `proto/inventory.ts`). A large one is written as new further
 * ConfigMaps first; the first one then names them in one write, so that a crash leaves either the old or the new inventory. Every
 * write is conditional on the version that this process read or wrote last.
 */
export class ConfigMapInventoryStore implements InventoryStore {
  readonly #client: KubeClient;
  readonly #namespace: string;
  /** Placement → resourceVersion of its first ConfigMap and numbers of the others. */
  readonly #heads = new Map<string, { version: string; chunks: number[] }>();

  constructor(client: KubeClient, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
  }

  async loadAll(signal: AbortSignal): Promise<Inventory[]> {
    const maps = await this.#client.list(
      CONFIG_MAP,
      { namespace: this.#namespace, labelSelector: INVENTORY_LABEL },
      signal,
    );
    this.#heads.clear();
    const byName = new Map(maps.map((map) => [map.metadata.name, map]));
    const inventories: Inventory[] = [];
    for (const map of maps) {
      const placement = map.metadata.labels?.[INVENTORY_LABEL] ?? '';
      if (map.metadata.name !== inventoryName(placement)) continue;
      const chunks = numbersOf(map.metadata.annotations?.[CHUNKS]);
      const parts = [map, ...chunks.map((chunk) => byName.get(inventoryName(placement, chunk)))];
      const inventory = decodeInventory(parts.map((part) => bytesOf(part, placement)));
      if (inventory.placement !== placement)
        throw unreadable(placement, `it names placement ${inventory.placement}`);
      inventories.push(inventory);
      this.#heads.set(placement, { version: map.metadata.resourceVersion ?? '', chunks });
    }
    return inventories;
  }

  async save(placement: string, entries: readonly InventoryEntry[], signal: AbortSignal): Promise<void> {
    const head = this.#heads.get(placement);
    const [first, ...rest] = encodeInventory({ placement, entries });
    const start = Math.max(0, ...(head?.chunks ?? [])) + 1;
    const chunks = rest.map((_, index) => start + index);
    for (const [index, bytes] of rest.entries()) await this.#put(placement, chunks[index]!, bytes, signal);
    const map = this.#map(placement, undefined, first!, chunks);
    if (head) map.metadata.resourceVersion = head.version;
    const written = head ? await this.#replace(map, signal) : await this.#create(map, signal);
    this.#heads.set(placement, { version: written.metadata.resourceVersion ?? '', chunks });
    for (const chunk of head?.chunks ?? []) await this.#drop(inventoryName(placement, chunk), signal);
  }

  async remove(placement: string, signal: AbortSignal): Promise<void> {
    const head = this.#heads.get(placement);
    if (!head) return;
    await this.#drop(inventoryName(placement), signal);
    for (const chunk of head.chunks) await this.#drop(inventoryName(placement, chunk), signal);
    this.#heads.delete(placement);
  }

  /** Somebody may have deleted it: what is in memory is all that is left of it then. */
  async #replace(map: KubeObject, signal: AbortSignal): Promise<KubeObject> {
    try {
      return (await this.#client.update(CONFIG_MAP, map, signal)).object;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const { resourceVersion: _, ...metadata } = map.metadata;
      return this.#create({ ...map, metadata }, signal);
    }
  }

  /** A chunk of this number may have been left by a crash before the head named it: it is replaced. */
  async #put(placement: string, chunk: number, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const map = this.#map(placement, chunk, bytes);
    try {
      await this.#create(map, signal);
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
      await this.#client.update(CONFIG_MAP, map, signal);
    }
  }

  async #create(map: KubeObject, signal: AbortSignal): Promise<KubeObject> {
    try {
      return (await this.#client.create(CONFIG_MAP, map, signal)).object;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await this.#createNamespace(signal);
      return (await this.#client.create(CONFIG_MAP, map, signal)).object;
    }
  }

  async #createNamespace(signal: AbortSignal): Promise<void> {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: this.#namespace } };
    try {
      await this.#client.create(NAMESPACE, namespace, signal);
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
    }
  }

  async #drop(name: string, signal: AbortSignal): Promise<void> {
    const target = { resource: CONFIG_MAP, namespace: this.#namespace, name };
    const uid = (await this.#client.get(target, signal, { metadata: true }))?.metadata.uid;
    if (uid !== undefined) await this.#client.remove(target, { uid }, signal);
  }

  #map(
    placement: string,
    chunk: number | undefined,
    bytes: Uint8Array,
    chunks: readonly number[] = [],
  ): KubeObject {
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: inventoryName(placement, chunk),
        namespace: this.#namespace,
        labels: { [INVENTORY_LABEL]: placement },
        ...(chunks.length > 0 && { annotations: { [CHUNKS]: chunks.join(',') } }),
      },
      binaryData: { [KEY]: Buffer.from(bytes).toString('base64') },
    };
  }
}

const unreadable = (placement: string, why: string): FlotillaError =>
  new FlotillaError('inventory-unreadable', `inventory of placement ${placement} cannot be read: ${why}`);

function numbersOf(text: string | undefined): number[] {
  return text ? text.split(',').map(Number) : [];
}

function bytesOf(map: KubeObject | undefined, placement: string): Uint8Array {
  const data = isRecord(map?.binaryData) ? map.binaryData[KEY] : undefined;
  if (typeof data !== 'string') throw unreadable(placement, 'a part of it is missing');
  return Buffer.from(data, 'base64');
}
