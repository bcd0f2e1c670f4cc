import type { Labels } from '#proto/selector.ts';
import type { IndexSnapshot } from '../types.ts';
import type { AssignmentRow } from './assignment.ts';
import { Changes } from './changes.ts';
import { type ClusterRow, sameRow } from './cluster.ts';
import { deriveRow, deriveRowAt, deriveRowFor, type RowSources } from './row.ts';

/** What has changed that a row follows from, where it is not everything. */
export type Dirty = { readonly placement?: string | undefined; readonly was?: IndexSnapshot };

/** The rows of all clusters; whoever listens to `changes` is told of each that is another than before. */
export class Rows {
  readonly changes = new Changes();
  readonly #rows = new Map<string, ClusterRow>();

  all(): ClusterRow[] {
    return [...this.#rows.values()];
  }

  get(cluster: string): ClusterRow | undefined {
    return this.#rows.get(cluster);
  }

  assignment(cluster: string, placement: string): AssignmentRow | undefined {
    return this.#rows.get(cluster)?.assignments.find((row) => row.placement === placement);
  }

  labelsOf(cluster: string): Labels {
    return this.#rows.get(cluster)?.labels ?? {};
  }

  /** Makes a row anew where what it follows from has changed: all of it (`{}`), or what `dirty` names. */
  derive(name: string, sources: RowSources, dirty: Dirty): void {
    const before = this.#rows.get(name);
    const row = derive(name, sources, before, dirty);
    if (row === before) return;
    if (before && sameRow(before, row)) {
      this.#rows.set(name, row);
      return;
    }
    this.#rows.set(name, { ...row, version: this.changes.next() });
    this.changes.tell({ name, gone: false, previousHeadline: before?.status.headline.state });
  }

  /** Removes the rows of clusters that are not in the fleet any more. */
  keepOnly(isKnown: (cluster: string) => boolean): void {
    for (const name of [...this.#rows.keys()]) if (!isKnown(name)) this.#remove(name);
  }

  #remove(name: string): void {
    const before = this.#rows.get(name);
    this.#rows.delete(name);
    this.changes.next();
    this.changes.tell({ name, gone: true, previousHeadline: before?.status.headline.state });
  }
}

function derive(
  name: string,
  sources: RowSources,
  before: ClusterRow | undefined,
  { placement, was }: Dirty,
): ClusterRow {
  if (placement !== undefined) return deriveRowFor(placement, name, sources, before);
  return was ? deriveRowAt(was, name, sources, before) : deriveRow(name, sources, before);
}
