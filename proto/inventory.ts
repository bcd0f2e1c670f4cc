import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { FlotillaError } from './faults.ts';

/**
 * The inventory: the objects that an agent has applied or was about to apply for one placement, its only licence to prune.
 * The encoding is a contract: gzip of JSON `{v, placement, entries: [[state, group, version, kind, namespace, name, uid, hash], …]}`
 * cut into chunks; state is `i` (intended) or `a` (applied), cluster-scoped objects have an empty namespace. Version 2 adds `f`
 * (applied, and a Job that completed), whose row has the hash of its content as ninth; it is written only where there is one.
 */
export type InventoryEntry = {
  group: string;
  version: string;
  kind: string;
  namespace: string;
  name: string;
} & (
  | { state: 'intended' }
  | {
      state: 'applied';
      uid: string;
      /** Of our fieldsV1 after the last apply. */
      fieldsHash: string;
      /** Of the content with which it ran to its end: a Job of this content is not run again. */
      finished?: string;
    }
);

export type Inventory = { placement: string; entries: readonly InventoryEntry[] };

/** Bytes of gzip in one chunk: a ConfigMap holds 1 MiB and base64 adds a third. */
const INVENTORY_CHUNK_BYTES = 600_000;
const MAX_JSON_BYTES = 64 * 1024 * 1024;

const text = z.string();
/** Group, version, kind, namespace, name, uid, hash of our fields. */
const content = [text, text, text, text, text, text, text] as const;
const row = z.tuple([z.enum(['i', 'a']), ...content]);
const finishedRow = z.tuple([z.literal('f'), ...content, text]);
const document = z.discriminatedUnion('v', [
  z.object({ v: z.literal(1), placement: z.string(), entries: z.array(row) }),
  z.object({ v: z.literal(2), placement: z.string(), entries: z.array(z.union([row, finishedRow])) }),
]);

/** `group/Kind/namespace/name`, the identity of an object whatever its API version. */
export function inventoryId(entry: { group: string; kind: string; namespace: string; name: string }): string {
  return `${entry.group}/${entry.kind}/${entry.namespace}/${entry.name}`;
}

/** The same for an id. */
export function displayId(id: string): string {
  const [, kind = '', namespace = '', ...name] = id.split('/');
  return [kind, ...(namespace ? [namespace] : []), name.join('/')].join('/');
}

/** A message about an object, with the object as its subject where it does not name it itself. */
export function aboutObject(id: string, message: string): string {
  const name = displayId(id);
  return message.includes(name) ? message : `${name}: ${message}`;
}

export function encodeInventory(inventory: Inventory): Uint8Array[] {
  const entries = [...inventory.entries]
    .sort((a, b) => (inventoryId(a) < inventoryId(b) ? -1 : 1))
    .map(rowOf);
  const v = entries.some(([state]) => state === 'f') ? 2 : 1;
  const bytes = gzipSync(JSON.stringify({ v, placement: inventory.placement, entries }));
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += INVENTORY_CHUNK_BYTES)
    chunks.push(bytes.subarray(at, at + INVENTORY_CHUNK_BYTES));
  return chunks;
}

/** `subject` is how messages call it. @throws FlotillaError inventory-unreadable: nothing may be pruned then */
export function decodeInventory(chunks: readonly Uint8Array[], subject = 'inventory'): Inventory {
  try {
    const json = gunzipSync(Buffer.concat(chunks), { maxOutputLength: MAX_JSON_BYTES }).toString('utf8');
    const { placement, entries } = parsed(JSON.parse(json));
    return {
      placement,
      entries: entries.map(([state, group, version, kind, namespace, name, uid, fieldsHash, finished]) => ({
        group,
        version,
        kind,
        namespace,
        name,
        ...(state === 'i'
          ? { state: 'intended' }
          : { state: 'applied', uid, fieldsHash, ...(finished !== undefined && { finished }) }),
      })),
    };
  } catch (cause) {
    throw new FlotillaError(
      'inventory-unreadable',
      `${subject} cannot be read: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

const VERSIONS: readonly unknown[] = document.options.map(({ shape }) => shape.v.value);

function parsed(json: unknown): z.infer<typeof document> {
  const read = document.safeParse(json);
  if (read.success) return read.data;
  const { v } = (json ?? {}) as { v?: unknown };
  if (!VERSIONS.includes(v))
    throw new Error(`it is of version ${JSON.stringify(v)}, and ${VERSIONS.join(' and ')} are known`);
  const [issue] = read.error.issues;
  throw new Error(`${issue!.path.join('.')}: ${issue!.message}`);
}

function rowOf(entry: InventoryEntry): string[] {
  const { group, version, kind, namespace, name } = entry;
  const head = [group, version, kind, namespace, name];
  if (entry.state === 'intended') return ['i', ...head, '', ''];
  const { uid, fieldsHash, finished } = entry;
  return finished === undefined ? ['a', ...head, uid, fieldsHash] : ['f', ...head, uid, fieldsHash, finished];
}
