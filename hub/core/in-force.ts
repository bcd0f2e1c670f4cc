import type { Commit } from '#git/objects.ts';
import type { Access } from '#proto/documents/access.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import { stemOf } from '#proto/documents/kinds.ts';
import type { Placement } from '#proto/documents/placement.ts';
import type { RolloutStrategy } from '#proto/documents/strategy.ts';
import type { SharedValues } from '#proto/documents/values.ts';
import { isKnown } from '#proto/fleet-checks/context.ts';
import type { FleetModel, Sourced } from '#proto/fleet-model.ts';
import type { Effective } from './types.ts';

/** A document in force, with what is needed to go on from it. */
export type InForce<T> = Effective<T> &
  Sourced<T> & {
    /** Object id of the file. */
    readonly blob: string;
  };
export type EntryOrigin = { readonly enrolledBy: Commit; readonly relabelledAt: string };
export type InForceCluster = InForce<Cluster> & EntryOrigin;

/** Which documents are in force at a revision, given those in force before it. */
export type DocumentsInForce = {
  readonly fleet: InForce<Fleet> | undefined;
  readonly clusters: ReadonlyMap<string, InForceCluster>;
  readonly placements: ReadonlyMap<string, InForce<Placement>>;
  readonly values: ReadonlyMap<string, InForce<SharedValues>>;
  readonly strategies: ReadonlyMap<string, InForce<RolloutStrategy>>;
  readonly access: ReadonlyMap<string, InForce<Access>>;
  /**
   * A Values document cannot be read: what it says is not known, so that no assignment may move whose placement declares values.
   */
  readonly valuesInDoubt: boolean;
  /** Invalid, and never valid as far as was walked. */
  readonly unreadable: { readonly clusters: ReadonlySet<string>; readonly placements: ReadonlySet<string> };
};

/**
 * An invalid document never stops the others (design/10): it stays in force as it last was. With an invalid Fleet nothing
 * advances at all. What did not change is the same object as before. `files` has the object id of every file; `origins` tells of entries that are older than what was
 * walked here.
 */
export function documentsInForce(
  before: DocumentsInForce | undefined,
  model: FleetModel,
  files: ReadonlyMap<string, { readonly oid: string }>,
  commit: Commit,
  origins: ReadonlyMap<string, EntryOrigin> = new Map(),
): DocumentsInForce {
  const read = <T>(known: InForce<T> | undefined, sourced: Sourced<T>): InForce<T> => {
    const { document, file, locate, quote } = sourced;
    const blob = files.get(file)?.oid ?? '';
    if (known?.blob === blob && known.file === file)
      return known.invalid ? { ...known, invalid: false } : known;
    return { document, file, locate, quote, blob, revision: commit.oid, invalid: false };
  };
  const held = <D extends { invalid: boolean }>(known: D): D =>
    known.invalid ? known : { ...known, invalid: true };

  if (!model.fleet || model.invalid.fleet) {
    if (!before) return NOTHING;
    return { ...before, fleet: before.fleet && held(before.fleet) };
  }
  const unreadable = { clusters: new Set<string>(), placements: new Set<string>() };
  /** The valid ones as they are, the invalid ones as they last were. */
  const all = <T>(
    was: ReadonlyMap<string, InForce<T>> | undefined,
    valid: ReadonlyMap<string, Sourced<T>>,
    invalid: ReadonlySet<string>,
    never?: Set<string>,
  ): Map<string, InForce<T>> => {
    const found = new Map<string, InForce<T>>();
    for (const [name, sourced] of valid) found.set(name, read(was?.get(name), sourced));
    for (const name of invalid) {
      const known = was?.get(name);
      if (known) found.set(name, held(known));
      else if (!isKnown(was ?? found, name)) never?.add(name);
    }
    return found;
  };
  const clusters = new Map<string, InForceCluster>();
  for (const [name, sourced] of model.clusters) {
    const known = before?.clusters.get(name);
    const now = read<Cluster>(known, sourced);
    clusters.set(name, now === known ? known : { ...now, ...originOf(name, known, sourced.document) });
  }
  for (const name of model.invalid.clusters) {
    const known = before?.clusters.get(name);
    if (known) clusters.set(name, held(known));
    else if (!isKnown(before?.clusters ?? clusters, name)) unreadable.clusters.add(name);
  }
  const { invalid } = model;
  return {
    fleet: read(before?.fleet, model.fleet),
    clusters,
    placements: all(before?.placements, model.placements, invalid.placements, unreadable.placements),
    values: all(before?.values, model.values, invalid.values),
    strategies: all(before?.strategies, model.strategies, invalid.strategies),
    access: all(before?.access, model.access, invalid.access),
    valuesInDoubt: invalid.values.size > 0,
    unreadable,
  };

  function originOf(name: string, known: InForceCluster | undefined, document: Cluster): EntryOrigin {
    if (!known) return origins.get(name) ?? { enrolledBy: commit, relabelledAt: commit.oid };
    const relabelledAt = sameLabels(known.document, document) ? known.relabelledAt : commit.oid;
    return { enrolledBy: known.enrolledBy, relabelledAt };
  }
}

/**
 * The same as `documentsInForce` where nothing changed but files of valid entries that keep name, file and labels, in a fleet where
 * everything is valid and in force.
 */
export function withEntries(
  before: DocumentsInForce,
  model: FleetModel,
  changed: readonly string[],
  files: ReadonlyMap<string, { readonly oid: string }>,
  commit: Commit,
): DocumentsInForce {
  const clusters = new Map(before.clusters);
  for (const file of changed) {
    const name = stemOf(file);
    const { document, locate, quote } = model.clusters.get(name)!;
    const blob = files.get(file)!.oid;
    clusters.set(name, {
      ...before.clusters.get(name)!,
      ...{ document, file, locate, quote, blob, revision: commit.oid, invalid: false },
    });
  }
  return { ...before, clusters };
}

const NOTHING: DocumentsInForce = {
  fleet: undefined,
  clusters: new Map(),
  placements: new Map(),
  values: new Map(),
  strategies: new Map(),
  access: new Map(),
  valuesInDoubt: false,
  unreadable: { clusters: new Set(), placements: new Set() },
};

/** Whether two forms of an entry have the same labels, whatever else differs. */
export function sameLabels(a: Cluster, b: Cluster): boolean {
  const [one, other] = [a.metadata.labels ?? {}, b.metadata.labels ?? {}];
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}
