import type { Json } from '../json.ts';
import { equal } from '../json.ts';
import type { Type } from '../schema/types.ts';
import type { Comparison } from './compare.ts';
import { compareTyped, withoutFields } from './compare.ts';
import { FieldSet } from './field-set.ts';
import { mergeTyped } from './merge.ts';
import type { PathElement } from './path.ts';
import { reconcileFieldSet } from './reconcile.ts';
import { removeItems } from './remove.ts';
import { toFieldSet } from './typed.ts';

/** What one manager owns, at the API version it last wrote with. */
export interface VersionedSet {
  readonly set: FieldSet;
  readonly apiVersion: string;
  readonly applied: boolean;
}

/** Managers by identity (name, operation, subresource and, for updates, version). */
export type Managers = Map<string, VersionedSet>;

/**
 * The types of one resource. Versions of a kind share their fields here, so converting an object means reading it with
 * the type of the other version; undefined says that the version is not (or no longer) served.
 */
export interface ResourceTypes {
  typeAt(apiVersion: string): Type | undefined;
  /** Fields that a write through this endpoint never changes and therefore never owns. */
  readonly ignored: FieldSet | undefined;
}

export interface Conflict {
  readonly manager: string;
  readonly path: PathElement[];
}

/** An apply that would take fields from other managers without being allowed to. */
export class ConflictsError extends Error {
  readonly conflicts: Conflict[];

  constructor(conflicts: Conflict[]) {
    super('apply conflicts');
    this.conflicts = conflicts;
  }
}

/** Ownership after an update of any kind (merge/update.go, Update): what changed now belongs to `manager`. */
export function updateManagers(
  live: Json,
  next: Json,
  apiVersion: string,
  before: Managers,
  manager: string,
  types: ResourceTypes,
): Managers {
  const managers = reconcileAll(before, types);
  const changed = takeChanges(live, next, apiVersion, managers, manager, true, types);
  const mine = managers.get(manager)?.set ?? new FieldSet();
  let set = mine.difference(changed.removed).union(changed.modified).union(changed.added);
  if (types.ignored) set = set.recursiveDifference(types.ignored);
  if (set.isEmpty) managers.delete(manager);
  else managers.set(manager, { set, apiVersion, applied: false });
  return managers;
}

/**
 * The object and its managers after an apply (merge/update.go, Apply). `object` is undefined when nothing changes.
 * Throws ConflictsError when fields of others would change and `force` is not set.
 */
export function applyConfig(
  live: Json,
  config: Json,
  apiVersion: string,
  before: Managers,
  manager: string,
  force: boolean,
  types: ResourceTypes,
): { object: Json | undefined; managers: Managers } {
  const managers = reconcileAll(before, types);
  const type = types.typeAt(apiVersion);
  if (!type) throw new Error(`no type for ${apiVersion}`);
  const last = managers.get(manager);
  let set = toFieldSet(config, type);
  if (types.ignored) set = set.recursiveDifference(types.ignored);
  managers.set(manager, { set, apiVersion, applied: true });
  const merged = mergeTyped(live, config, type) ?? null;
  const object = last && !last.set.isEmpty ? prune(merged, managers, last, types) : merged;
  takeChanges(live, object, apiVersion, managers, manager, force, types);
  return { object: equal(live, object) ? undefined : object, managers };
}

/** Takes every changed field away from the managers that hold it; the identity `manager` is left alone. */
function takeChanges(
  live: Json,
  next: Json,
  apiVersion: string,
  managers: Managers,
  manager: string,
  force: boolean,
  types: ResourceTypes,
): Comparison {
  const byVersion = new Map<string, Comparison>();
  const comparisonAt = (version: string): Comparison | undefined => {
    const type = types.typeAt(version);
    if (!type) return undefined;
    let found = byVersion.get(version);
    if (!found) {
      found = withoutFields(compareTyped(live, next, type), types.ignored);
      byVersion.set(version, found);
    }
    return found;
  };
  const own = comparisonAt(apiVersion) ?? {
    removed: new FieldSet(),
    modified: new FieldSet(),
    added: new FieldSet(),
  };
  const conflicts: Conflict[] = [];
  const left = new Map<string, FieldSet>();
  for (const [name, { set, apiVersion: version }] of managers) {
    if (name === manager) continue;
    const changed = comparisonAt(version);
    if (!changed) {
      managers.delete(name);
      continue;
    }
    const conflicting = set.intersection(changed.modified.union(changed.added));
    for (const path of conflicting.paths()) conflicts.push({ manager: name, path });
    left.set(name, set.difference(conflicting).difference(changed.removed));
  }
  if (!force && conflicts.length > 0) throw new ConflictsError(conflicts);
  for (const [name, set] of left) {
    const entry = managers.get(name);
    if (entry && !set.isEmpty) managers.set(name, { ...entry, set });
    else managers.delete(name);
  }
  if (managers.get(manager)?.set.isEmpty) managers.delete(manager);
  return own;
}

/** Removes what this applier set last time and does not set now, unless somebody else owns it (Updater.prune). */
function prune(merged: Json, managers: Managers, last: VersionedSet, types: ResourceTypes): Json {
  const type = types.typeAt(last.apiVersion);
  if (!type) return merged;
  const lastSet = last.set.withNamedFields(type);
  let pruned = removeItems(merged, lastSet, type);

  // What is owned by anybody, this apply included, comes back.
  const byVersion = new Map<string, FieldSet>([[last.apiVersion, new FieldSet()]]);
  for (const { set, apiVersion } of managers.values()) {
    byVersion.set(apiVersion, (byVersion.get(apiVersion) ?? new FieldSet()).union(set));
  }
  for (const [version, owned] of byVersion) {
    const versionType = types.typeAt(version);
    if (!versionType) continue;
    const mergedSet = toFieldSet(merged, versionType).withNamedFields(versionType);
    const prunedSet = toFieldSet(pruned, versionType).withNamedFields(versionType);
    const gone = mergedSet.difference(prunedSet.union(owned.withNamedFields(versionType)));
    pruned = removeItems(merged, gone, versionType);
  }

  // What the removal took along although this applier never set it comes back too.
  const mergedSet = toFieldSet(merged, type).withNamedFields(type);
  const prunedSet = toFieldSet(pruned, type).withNamedFields(type);
  return removeItems(merged, mergedSet.difference(prunedSet).intersection(lastSet), type);
}

function reconcileAll(before: Managers, types: ResourceTypes): Managers {
  const managers: Managers = new Map();
  for (const [name, entry] of before) {
    const type = types.typeAt(entry.apiVersion);
    if (type) managers.set(name, { ...entry, set: reconcileFieldSet(entry.set, type) });
  }
  return managers;
}
