import type { Placement } from '#proto/documents/placement.ts';
import type { Problem } from '#proto/problems.ts';
import type { Strategy } from '#proto/stages.ts';
import type { Assignments, AssignmentVersion, IndexedAssignment, IndexProblem } from '../core/types.ts';
import { Slots } from './contents.ts';
import type { Kept } from './kept.ts';
import type { Overlay } from './overlays.ts';

/** One placement on one cluster. A row means: the documents in force select the cluster. */
export type Row = {
  /** As it was last resolved; undefined while it could never be. */
  readonly read: { readonly overlay: Overlay; readonly digest: string } | undefined;
  readonly problem?: Problem;
};

/** What is known of a placement besides its rows. */
export type Line = {
  /** Clusters whose row has a problem. */
  readonly failing: ReadonlySet<string>;
  /** Nothing moves: the placement is invalid, or its values are in doubt. */
  readonly held?: 'document' | 'values';
  readonly kept: Kept;
  /** Clusters that were relabelled while the placement is invalid: whom it selects is not known, so that they keep what they have. */
  readonly behind?: ReadonlySet<string>;
};

/** A placement that was deleted, as it last was. */
export type Retired = {
  readonly document: Placement;
  readonly file: string;
  readonly strategy: Strategy;
  readonly kept: Kept;
};

/** By cluster and placement. What did not change is the same map as before. */
export type Rows = ReadonlyMap<string, ReadonlyMap<string, Row>>;

export type Assigned = {
  readonly rows: Rows;
  readonly lines: ReadonlyMap<string, Line>;
  readonly retired: ReadonlyMap<string, Retired>;
  /** What the contents of all versions are built on. */
  readonly slots: Slots;
};

export const nothingAssigned = (): Assigned => ({
  rows: new Map(),
  lines: new Map(),
  retired: new Map(),
  slots: new Slots(),
});

/** What the newest version gives a cluster, and where that is read from; undefined where there is none. */
function versionOf(line: Line | undefined, cluster: string): AssignmentVersion | undefined {
  const last = line?.kept.at(-1);
  const content = last?.contents.get(cluster);
  return content && { revision: last!.revision, ...content };
}

/** Rows while they are changed: what is not touched is shared with those before. */
export class RowsDraft {
  readonly #before: Rows;
  #rows: Map<string, ReadonlyMap<string, Row>> | undefined;
  readonly #own = new Set<string>();

  constructor(before: Rows) {
    this.#before = before;
  }

  get rows(): Rows {
    return this.#rows ?? this.#before;
  }

  get(cluster: string, placement: string): Row | undefined {
    return this.rows.get(cluster)?.get(placement);
  }

  set(cluster: string, placement: string, row: Row): void {
    this.#ownOf(cluster).set(placement, row);
  }

  delete(cluster: string, placement: string): void {
    const own = this.#ownOf(cluster);
    own.delete(placement);
    if (own.size === 0) this.deleteCluster(cluster);
  }

  deleteCluster(cluster: string): void {
    this.#rows ??= new Map(this.#before);
    this.#rows.delete(cluster);
    this.#own.delete(cluster);
  }

  #ownOf(cluster: string): Map<string, Row> {
    this.#rows ??= new Map(this.#before);
    if (this.#own.has(cluster)) return this.#rows.get(cluster) as Map<string, Row>;
    const own = new Map(this.#rows.get(cluster));
    this.#rows.set(cluster, own);
    this.#own.add(cluster);
    return own;
  }
}

/** Why rows do not advance. */
export type Reasons = {
  of(row: Row, cluster: string, placement: string): IndexProblem | undefined;
  /** Equal for equal reasons, those that rows have of their own apart. */
  readonly shared: string;
};

/** Rows as others read them; each is made when it is asked for. */
export class RowReader implements Assignments {
  readonly #assigned: Pick<Assigned, 'rows' | 'lines'>;
  readonly #reasons: Reasons;

  constructor(assigned: Pick<Assigned, 'rows' | 'lines'>, reasons: Reasons) {
    this.#assigned = assigned;
    this.#reasons = reasons;
  }

  get size(): number {
    let size = 0;
    for (const rows of this.#assigned.rows.values()) size += rows.size;
    return size;
  }

  has(key: string): boolean {
    const [cluster, placement] = partsOf(key);
    return this.#assigned.rows.get(cluster)?.has(placement) ?? false;
  }

  get(key: string): IndexedAssignment | undefined {
    const [cluster, placement] = partsOf(key);
    const row = this.#assigned.rows.get(cluster)?.get(placement);
    return row && this.#shown(row, cluster, placement);
  }

  *keys(): MapIterator<string> {
    for (const [cluster, rows] of this.#assigned.rows)
      for (const placement of rows.keys()) yield `${cluster}/${placement}`;
  }

  *[Symbol.iterator](): MapIterator<[string, IndexedAssignment]> {
    for (const [cluster, rows] of this.#assigned.rows)
      for (const [placement, row] of rows)
        yield [`${cluster}/${placement}`, this.#shown(row, cluster, placement)];
  }

  *ofCluster(cluster: string): Iterable<readonly [placement: string, indexed: IndexedAssignment]> {
    for (const [placement, row] of this.#assigned.rows.get(cluster) ?? [])
      yield [placement, this.#shown(row, cluster, placement)];
  }

  changedSince(before: Assignments): ReadonlySet<string> | undefined {
    if (!(before instanceof RowReader) || before.#reasons.shared !== this.#reasons.shared) return undefined;
    const [was, is] = [before.#assigned.rows, this.#assigned.rows];
    const changed = new Set<string>();
    if (was === is) return changed;
    for (const [cluster, rows] of is) if (was.get(cluster) !== rows) changed.add(cluster);
    for (const cluster of was.keys()) if (!is.has(cluster)) changed.add(cluster);
    return changed;
  }

  #shown(row: Row, cluster: string, placement: string): IndexedAssignment {
    const line = this.#assigned.lines.get(placement);
    const problem = this.#reasons.of(row, cluster, placement);
    const namespace = line?.kept.at(-1)?.source?.placement.spec.namespace;
    return {
      assignment: row.read && { path: row.read.overlay.path, namespace },
      version: versionOf(line, cluster),
      files: row.read?.overlay.files ?? 0,
      ...(problem && { problem }),
    };
  }
}

function partsOf(key: string): [cluster: string, placement: string] {
  const slash = key.indexOf('/');
  return [key.slice(0, slash), key.slice(slash + 1)];
}
