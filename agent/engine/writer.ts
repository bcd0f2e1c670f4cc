import { isDeepStrictEqual } from 'node:util';
import type { Action } from '#proto/messages.ts';
import { type DriftRules, handedOver, mayBeHandedOver } from '../core/drift.ts';
import { type FieldSet, hashFields, without } from '../core/fieldset.ts';
import {
  droppedFields,
  foreignHolders,
  hasMoved,
  migrateVersion,
  ourFields,
  releaseForeign,
  type Tool,
  takeOver,
} from '../core/managed-fields.ts';
import type { KubeObject, ManagedFieldsEntry, ObjectMeta } from '../core/object.ts';
import { objectPolicy } from '../core/object-policy.ts';
import { isConflict, isNotFound, isSchemaGap, isStatus } from '../kube/errors.ts';
import type { Kube } from './ports.ts';
import { fieldsText, oursOf, type Tracked, target } from './tracked.ts';

export type WriteHow = {
  rules: DriftRules;
  adopt: readonly Tool[];
  /** The first contact with an object that is not in our inventory: fields of kubectl and the like are taken over. */
  first: boolean;
};

export type Written = {
  action: Action;
  object: KubeObject;
  takenFrom: readonly string[];
  /** What was there has been deleted. */
  recreated?: true;
};

/** How often managedFields are read again when the object moves under a patch of them. */
const TRIES = 4;

/**
 * Brings one object to its desired content by server-side apply. Before it, in one patch of managedFields where needed: the take-over
 * at first contact, and the release of foreign co-ownership of fields that the new content drops. Fields that others hold by design
 * are left out. `live` is what is known of the object, undefined when it does not exist.
 * @throws KubeError
 */
export async function write(
  kube: Kube,
  tracked: Tracked,
  live: ObjectMeta | undefined,
  how: WriteHow,
  signal: AbortSignal,
): Promise<Written> {
  const patched = live && (await patchOwnership(kube, tracked, live, how, signal));
  // What has just been taken over is in nobody else's hands any more.
  const seen = patched?.changed ? patched : live;
  const { object, created } = await applyToSeen(kube, tracked, live, seen, how.rules, signal);
  const ours = ourFields(object.metadata.managedFields);
  const action = created
    ? 'created'
    : patched?.changed || isConfigured(tracked, live, object, ours)
      ? 'configured'
      : 'unchanged';
  tracked.applied = {
    ours: fieldsText(ours ?? new Set()),
    hash: tracked.hash,
    uid: object.metadata.uid ?? '',
    resourceVersion: object.metadata.resourceVersion ?? '',
  };
  return { action, object, takenFrom: patched?.takenFrom ?? [] };
}

type Seen = Pick<ObjectMeta, 'managedFields' | 'resourceVersion'>;

/**
 * What others hold by design is left to them. Where they may have taken it since the object was seen, it is applied to just the state
 * that was seen, and looked at again when that has moved; what keeps moving is applied to in the end as it was seen last.
 */
async function applyToSeen(
  kube: Kube,
  tracked: Tracked,
  live: ObjectMeta | undefined,
  first: Seen | undefined,
  rules: DriftRules,
  signal: AbortSignal,
): Promise<{ object: KubeObject; created: boolean }> {
  let seen = first;
  for (let attempt = 1; ; attempt++) {
    const payload = payloadOf(tracked, seen, rules);
    const version = attempt < TRIES && mayBeHandedOver(payload, rules) ? seen?.resourceVersion : undefined;
    try {
      return await applyMigrated(
        kube,
        tracked,
        version ? inVersion(payload, version) : payload,
        live,
        signal,
      );
    } catch (error) {
      if (!version || !isConflict(error)) throw error;
    }
    seen = (await kube.get(target(tracked), signal, { metadata: true }))?.metadata;
  }
}

const inVersion = (object: KubeObject, resourceVersion: string): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion },
});

/** An entry of an older API version can make the server unable to compare; then all are put to the present one, once. */
async function applyMigrated(
  kube: Kube,
  tracked: Tracked,
  payload: KubeObject,
  live: ObjectMeta | undefined,
  signal: AbortSignal,
): Promise<{ object: KubeObject; created: boolean }> {
  try {
    return await kube.apply(target(tracked), payload, signal);
  } catch (error) {
    if (!live || !isSchemaGap(error)) throw error;
    const { apiVersion } = tracked.object;
    const migrated = await patchManagedFields(kube, tracked, live, signal, (entries) => {
      const managedFields = migrateVersion(entries, apiVersion);
      return managedFields && { managedFields, takenFrom: [] };
    });
    if (!migrated.changed) throw error;
  }
  return kube.apply(target(tracked), payload, signal);
}

/** What an apply sends: the content without what others hold by design. */
export function payloadOf(
  tracked: Tracked,
  live: Pick<ObjectMeta, 'managedFields'> | undefined,
  rules: DriftRules,
): KubeObject {
  const handed = live ? handedOver(tracked.object, live.managedFields, rules) : [];
  return handed.length > 0 ? without(tracked.object, handed) : tracked.object;
}

type Change = { managedFields: ManagedFieldsEntry[]; takenFrom: string[] };
type Patched =
  | ({ changed: true; resourceVersion?: string } & Change)
  | { changed: false; takenFrom: string[] };

const patchOwnership = (
  kube: Kube,
  tracked: Tracked,
  live: ObjectMeta,
  how: WriteHow,
  signal: AbortSignal,
): Promise<Patched> =>
  patchManagedFields(kube, tracked, live, signal, (entries) => ownershipChange(tracked, entries, how));

/** Only from exactly the state that the change was computed from; read again where the object has moved. */
async function patchManagedFields(
  kube: Kube,
  tracked: Tracked,
  live: ObjectMeta,
  signal: AbortSignal,
  changeOf: (entries: readonly ManagedFieldsEntry[] | undefined) => Change | undefined,
): Promise<Patched> {
  let meta: ObjectMeta = live;
  for (let attempt = 1; ; attempt++) {
    const change = changeOf(meta.managedFields);
    if (change === undefined) return { changed: false, takenFrom: [] };
    try {
      const { metadata } = await kube.jsonPatch(
        target(tracked),
        [
          { op: 'test', path: '/metadata/resourceVersion', value: meta.resourceVersion },
          { op: 'replace', path: '/metadata/managedFields', value: change.managedFields },
        ],
        signal,
      );
      const { resourceVersion } = metadata;
      return { changed: true, ...(resourceVersion !== undefined && { resourceVersion }), ...change };
    } catch (error) {
      if (isNotFound(error)) return { changed: false, takenFrom: [] };
      if (attempt === TRIES || !(isConflict(error) || isStatus(error, 422))) throw error;
    }
    const now = await kube.get(target(tracked), signal, { metadata: true });
    if (!now) return { changed: false, takenFrom: [] };
    meta = now.metadata;
  }
}

/** The take-over at first contact or the release of what the content drops, and with it the migration to a new API version. */
export function ownershipChange(
  tracked: Tracked,
  entries: readonly ManagedFieldsEntry[] | undefined,
  how: Pick<WriteHow, 'adopt' | 'first'>,
): Change | undefined {
  const { apiVersion, metadata } = tracked.object;
  const takes = how.first && objectPolicy(metadata).apply !== 'merge';
  const taken = takes ? takeOver(entries, apiVersion, how.adopt) : undefined;
  const before = tracked.applied ? oursOf(tracked) : (ourFields(entries) ?? new Set<string>());
  const released = taken ? undefined : releaseForeign(entries, droppedFields(before, tracked.object));
  const changed = taken?.managedFields ?? released;
  const moved = hasMoved(entries, apiVersion);
  const migrated = moved ? migrateVersion(changed ?? entries, apiVersion) : undefined;
  const managedFields = migrated ?? changed;
  return managedFields && { managedFields, takenFrom: taken?.managers ?? [] };
}

/**
 * The second apply of a claim makes the API server store its quantity in another spelling, for a client that sees neither: content and
 * owners are the same, times included.
 */
const isRespelled = (tracked: Tracked, live: ObjectMeta, { metadata }: KubeObject): boolean =>
  tracked.applied === undefined &&
  tracked.object.kind === 'PersistentVolumeClaim' &&
  isDeepStrictEqual(live.managedFields, metadata.managedFields);

/** A moved resourceVersion alone may be a status write: generation, our set or our content must have changed too. */
function isConfigured(
  tracked: Tracked,
  live: ObjectMeta | undefined,
  object: KubeObject,
  ours: FieldSet | undefined,
): boolean {
  if (live === undefined) return true;
  const { resourceVersion, generation, managedFields } = object.metadata;
  if (resourceVersion === live.resourceVersion || isRespelled(tracked, live, object)) return false;
  if (generation === undefined || generation !== live.generation) return true;
  const before = ourFields(live.managedFields);
  if (before === undefined || ours === undefined || hashFields(before) !== hashFields(ours)) return true;
  const foreign = foreignHolders(managedFields).length !== foreignHolders(live.managedFields).length;
  return foreign || tracked.applied?.hash !== tracked.hash;
}
