import type { Json, JsonObject } from '../json.ts';
import { clone, isObject, stringAt } from '../json.ts';
import { FieldSet } from './field-set.ts';
import { allowedByLastApplied, LAST_APPLIED, lastAppliedOf } from './last-applied.ts';
import type { Managed, ManagerIdentity } from './managed-fields.ts';
import { decodeManaged, emptyManaged, encodeManaged, isReset, managerKey } from './managed-fields.ts';
import { applyConfig, ConflictsError, updateManagers } from './updater.ts';
import type { WriteContext } from './write-context.ts';

const MAX_UPDATERS = 10;
const NEVER_OWNED = FieldSet.of(
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...[
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'clusterName',
    'generation',
    'managedFields',
    'resourceVersion',
  ].map((name) => ['f:metadata', `f:${name}`]),
);

/**
 * The managedFields of an object after a create, update or patch: fields that changed belong to the writer
 * (apimachinery, managedfields/internal). An object without any is not tracked until its first apply, except on create.
 * `live` is undefined on create. Neither object is changed.
 */
export function trackUpdate(
  live: JsonObject | undefined,
  next: JsonObject,
  context: WriteContext,
): JsonObject[] {
  const managed = startingPoint(live, next, context);
  if (managed.managers.size === 0 && live !== undefined) return [];
  const identity: ManagerIdentity = { ...context, operation: 'Update' };
  return encodeManaged(capUpdaters(recordUpdate(live ?? context.empty, next, managed, identity, context)));
}

/**
 * The object and its managedFields after an apply; `object` is undefined when the apply changes nothing. Throws
 * ConflictsError. `live` is undefined on create.
 */
export function trackApply(
  live: JsonObject | undefined,
  config: JsonObject,
  force: boolean,
  context: WriteContext,
): { object: JsonObject | undefined; managedFields: JsonObject[] } {
  const before = live ?? context.empty;
  let managed = decodeManaged(managedFieldsOf(before)) ?? emptyManaged();
  if (managed.managers.size === 0) {
    const first: ManagerIdentity = { ...context, manager: 'before-first-apply', operation: 'Update' };
    managed = recordUpdate(context.empty, before, managed, first, context);
  }
  const attempt = (forced: boolean) => recordApply(before, config, forced, managed, context);
  let result: ReturnType<typeof attempt>;
  try {
    result = attempt(force);
  } catch (error) {
    const allowed = error instanceof ConflictsError && context.manager === 'kubectl';
    const yielded = allowed ? allowedByLastApplied(before, context) : undefined;
    if (!(error instanceof ConflictsError) || !yielded) throw error;
    const conflicts = error.conflicts.filter(({ path }) => !yielded.has(path));
    if (conflicts.length > 0) throw new ConflictsError(conflicts);
    result = attempt(true);
  }
  // kubectl's client-side annotation follows its server-side applies.
  const object = result.object ?? withoutManagedFields(before);
  if (context.manager === 'kubectl' && stringAt(object, 'metadata', 'annotations', LAST_APPLIED)) {
    const synced = clone(object);
    (synced.metadata as { annotations: JsonObject }).annotations[LAST_APPLIED] = lastAppliedOf(config);
    return { object: synced, managedFields: encodeManaged(result.managed) };
  }
  return { object: result.object, managedFields: encodeManaged(result.managed) };
}

export function managedFieldsOf(object: JsonObject): Json | undefined {
  return isObject(object.metadata) ? object.metadata.managedFields : undefined;
}

export function withoutManagedFields(object: JsonObject): JsonObject {
  if (!isObject(object.metadata) || !('managedFields' in object.metadata)) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** A write may set managedFields itself, to correct or to wipe them; a subresource may not. */
function startingPoint(live: JsonObject | undefined, next: JsonObject, context: WriteContext): Managed {
  const stored = () => (live && decodeManaged(managedFieldsOf(live))) ?? emptyManaged();
  if (context.subresource) return stored();
  const given = managedFieldsOf(next);
  if (isReset(given)) return emptyManaged();
  const decoded = decodeManaged(given);
  return decoded && decoded.managers.size > 0 ? decoded : stored();
}

function recordUpdate(
  live: JsonObject,
  next: JsonObject,
  before: Managed,
  identity: ManagerIdentity,
  context: WriteContext,
): Managed {
  const key = managerKey(identity);
  const self = 'current-operation';
  const managers = updateManagers(
    withoutManagedFields(live),
    withoutManagedFields(next),
    context.apiVersion,
    before.managers,
    self,
    context.types,
  );
  const times = new Map(before.times);
  const mine = managers.get(self);
  managers.delete(self);
  const owned = mine?.set.difference(NEVER_OWNED);
  if (mine && owned && !owned.isEmpty) {
    const previous = managers.get(key);
    managers.set(key, { ...mine, set: previous ? owned.union(previous.set) : owned });
    times.set(key, context.now);
  }
  return { managers, times };
}

function recordApply(
  live: JsonObject,
  config: JsonObject,
  force: boolean,
  before: Managed,
  context: WriteContext,
): { object: JsonObject | undefined; managed: Managed } {
  const key = managerKey({ ...context, operation: 'Apply' });
  const { object, managers } = applyConfig(
    withoutManagedFields(live),
    config,
    context.apiVersion,
    before.managers,
    key,
    force,
    context.types,
  );
  const mine = managers.get(key);
  if (mine) {
    const set = mine.set.difference(NEVER_OWNED);
    if (set.isEmpty) managers.delete(key);
    else managers.set(key, { ...mine, set });
  }
  const times = new Map(before.times);
  if (object !== undefined) times.set(key, context.now);
  return { object: isObject(object) ? object : undefined, managed: { managers, times } };
}

/** Folds the oldest updaters into one entry per version when there are more than ten (capmanagers.go). */
function capUpdaters(managed: Managed): Managed {
  const { managers, times } = managed;
  const age = (key: string) => `${times.get(key) ?? ''}\0${key}`;
  const updaters = [...managers]
    .filter(([, entry]) => !entry.applied)
    .map(([key]) => key)
    .sort((a, b) => (age(a) < age(b) ? -1 : 1));
  const firstOfVersion = new Map<string, string>();
  let count = updaters.length;
  for (const key of updaters) {
    if (count <= MAX_UPDATERS) break;
    const entry = managers.get(key)!;
    const bucket = managerKey({
      manager: 'ancient-changes',
      operation: 'Update',
      apiVersion: entry.apiVersion,
    });
    const first = firstOfVersion.get(entry.apiVersion);
    if (first === undefined) {
      firstOfVersion.set(entry.apiVersion, key);
      continue;
    }
    const into = managers.get(bucket) ?? managers.get(first)!;
    if (!managers.has(bucket)) managers.delete(first);
    managers.set(bucket, { ...entry, set: entry.set.union(into.set) });
    managers.delete(key);
    count--;
    const time = times.get(key);
    if (time !== undefined) times.set(bucket, time);
  }
  return managed;
}
