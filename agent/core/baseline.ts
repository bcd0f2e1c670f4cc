import type { InventoryEntry } from '#proto/inventory.ts';
import { type FieldSet, hashFields, hasMemberBelow, lookup, pathOf } from './fieldset.ts';
import { ourFields } from './managed-fields.ts';
import type { KubeObject, ManagedFieldsEntry } from './object.ts';
import { sameMeaning } from './quantity.ts';

/** What is done with an object whose last apply this process has not seen (a start, a restart). */
export type Baseline =
  /** Nobody has touched it: what the live entry says is our last apply. No request. */
  | 'adopt'
  /** A dry-run tells our fields; what differs is drift, told before anything is written. */
  | 'judge'
  /** It was applied and is gone. */
  | 'missing'
  /** It may be new: the apply is the check. */
  | 'write';

/**
 * `settled`: saved state says that exactly this content was applied before. `overwrites`: drift is corrected anyway (mode correct),
 * so that an apply of unknown content loses nothing but evidence, which a matching hash shows there is none of.
 * Law: in report mode nothing that was applied before is written here.
 */
export function baseline(input: {
  entry: InventoryEntry | undefined;
  live: { uid?: string; managedFields?: readonly ManagedFieldsEntry[] } | undefined;
  settled: boolean;
  overwrites: boolean;
}): Baseline {
  const { entry, live, settled, overwrites } = input;
  if (entry?.state !== 'applied') return 'write';
  if (live === undefined) return 'missing';
  const ours = ourFields(live.managedFields);
  const untouched = live.uid === entry.uid && ours !== undefined && hashFields(ours) === entry.fieldsHash;
  if (!untouched) return 'judge';
  return settled ? 'adopt' : overwrites ? 'write' : 'judge';
}

/** Whether a live object is none that we applied: at first contact, or since somebody else put another one in its place. */
export function isFirstContact(
  entry: InventoryEntry | undefined,
  live: { uid?: string; managedFields?: readonly ManagedFieldsEntry[] } | undefined,
): boolean {
  if (entry?.state !== 'applied') return true;
  return live !== undefined && live.uid !== entry.uid && ourFields(live.managedFields) === undefined;
}

/**
 * Whether the content that would be applied is another than the one applied last, told from live state alone: our set of fields would
 * change, or a field that is still ours (nobody else can have changed it) would get another value. `ours` is the set of the dry-run.
 */
export function contentChanged(input: {
  fieldsHash: string;
  ours: FieldSet;
  group: string;
  would: KubeObject;
  live: KubeObject;
}): boolean {
  const { fieldsHash, ours, group, would, live } = input;
  if (hashFields(ours) !== fieldsHash) return true;
  const still = ourFields(live.metadata.managedFields);
  return [...ours].some((key) => {
    if (!still?.has(key) || hasMemberBelow(ours, key)) return false;
    const path = pathOf(key);
    return !sameMeaning(group, path, lookup(path, would), lookup(path, live));
  });
}
