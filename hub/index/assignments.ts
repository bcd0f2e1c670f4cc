import { createBreather } from '#git/breathe.ts';
import type { Commit } from '#git/objects.ts';
import { type Assignment, assignmentDigest, resolveAssignment, whyNotSelected } from '#proto/assignment.ts';
import { canonicalJson } from '#proto/canonical.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import type { Placement } from '#proto/documents/placement.ts';
import { FlotillaError } from '#proto/faults.ts';
import { placeOf } from '#proto/fleet-checks/assignments.ts';
import type { Problem } from '#proto/problems.ts';
import { declaredNames } from '#proto/values.ts';
import type { DocumentsInForce, InForce, InForceCluster } from '../core/in-force.ts';
import { Layers } from './layers.ts';
import type { Overlay, Overlays } from './overlays.ts';
import {
  type Assigned,
  type Line,
  NOTHING_ASSIGNED,
  type Row,
  RowsDraft,
  type VersionSource,
} from './rows.ts';

export type Before = Assigned & { readonly docs: DocumentsInForce };
type Read = NonNullable<Row['read']>;
type Resolved = { readonly cluster: InForceCluster; readonly row: Row | undefined; readonly read: Read };
type Revisions = NonNullable<Row['at']>;

/**
 * Resolves every placement on every cluster that it selects at a commit; of what no commit touched, nothing is looked at. What
 * cannot be resolved, or belongs to an invalid document, stays at its last version, with the problem. A placement keeps its
 * version's name as long as that version gives today's clusters these digests: a cluster that joined or was relabelled is tried
 * with the version's own content.
 * @throws FlotillaError git-…; everything else becomes a problem
 */
export async function assign(
  before: Before | undefined,
  docs: DocumentsInForce,
  commit: Commit,
  overlays: Overlays,
  signal: AbortSignal,
): Promise<Assigned> {
  if (!docs.fleet || docs.fleet.invalid) return before ?? NOTHING_ASSIGNED;
  await overlays.moveTo(commit.tree, signal);
  const step = new Step(before, docs, commit, overlays, signal);
  const assigned = await step.run();
  overlays.settle();
  return assigned;
}

class Step {
  readonly #before: Before | undefined;
  readonly #docs: DocumentsInForce;
  readonly #fleet: Fleet;
  readonly #commit: Commit;
  readonly #overlays: Overlays;
  readonly #signal: AbortSignal;
  readonly #draft: RowsDraft;
  readonly #layers = new Layers();
  readonly #breathe = createBreather();
  readonly #plain = new Map<Overlay['nodes'], { readonly placement: string; readonly digest: string }>();
  /** Entries that are new or not as before. */
  readonly #changed: readonly string[];
  readonly #invalid: readonly string[];
  readonly #sameDefaults: boolean;
  readonly #sameValues: boolean;

  constructor(
    before: Before | undefined,
    docs: DocumentsInForce,
    commit: Commit,
    overlays: Overlays,
    signal: AbortSignal,
  ) {
    this.#before = before;
    this.#docs = docs;
    this.#fleet = docs.fleet!.document;
    this.#commit = commit;
    this.#overlays = overlays;
    this.#signal = signal;
    this.#draft = new RowsDraft(before?.rows ?? NOTHING_ASSIGNED.rows);
    const was = before?.docs;
    const [changed, invalid]: [string[], string[]] = [[], []];
    for (const [name, cluster] of docs.clusters) {
      const known = was?.clusters.get(name);
      if (known !== cluster && (known?.document !== cluster.document || known.invalid !== cluster.invalid))
        changed.push(name);
      if (cluster.invalid) invalid.push(name);
    }
    this.#changed = changed;
    this.#invalid = invalid;
    this.#sameDefaults = sameJson(was?.fleet?.document.spec.defaults, this.#fleet.spec.defaults);
    this.#sameValues = was !== undefined && sameDocuments(was.values, docs.values);
  }

  async run(): Promise<Assigned> {
    const { clusters, placements } = this.#docs;
    for (const cluster of this.#before?.rows.keys() ?? [])
      if (!clusters.has(cluster)) this.#draft.deleteCluster(cluster);
    const lines = new Map<string, Line>();
    for (const [name, placement] of placements) {
      const was = this.#before?.lines.get(name);
      const held = this.#heldBy(placement);
      const line = held ? await this.#keep(placement, was, held) : await this.#go(placement, was);
      lines.set(name, line);
    }
    for (const name of this.#before?.lines.keys() ?? []) {
      if (placements.has(name)) continue;
      for (const [cluster, rows] of this.#draft.rows) if (rows.has(name)) this.#draft.delete(cluster, name);
    }
    return { rows: this.#draft.rows, lines };
  }

  #heldBy(placement: InForce<Placement>): Line['held'] {
    if (placement.invalid) return 'document';
    return this.#docs.valuesInDoubt && declaredNames(placement.document).size > 0 ? 'values' : undefined;
  }

  #isSame({ document }: InForce<Placement>): boolean {
    return this.#before?.docs.placements.get(document.metadata.name)?.document === document;
  }

  /**
   * Nothing moves of a placement that is invalid or whose values are in doubt, but a cluster may join the version in force. Whom an
   * invalid placement selects is not known: then nobody leaves it.
   */
  async #keep(
    placement: InForce<Placement>,
    was: Line | undefined,
    held: NonNullable<Line['held']>,
  ): Promise<Line> {
    const { name } = placement.document.metadata;
    const version = was?.version;
    const apart = new Set(was?.apart);
    const candidates = was && this.#isSame(placement) ? this.#changed : this.#docs.clusters.keys();
    for (const of of candidates) {
      const cluster = this.#docs.clusters.get(of)!;
      const row = this.#draft.get(of, name);
      const selected = whyNotSelected(placement.document, cluster.document) === undefined;
      if (row) {
        if (!selected && !placement.invalid && !cluster.invalid) this.#draft.delete(of, name);
      } else if (selected && !cluster.invalid) {
        const read = version && (await this.#readAt(version, cluster));
        if (read) {
          const at = { revision: version.name, entryRevision: this.#commit.oid };
          this.#draft.set(of, name, { read, at });
          apart.add(of);
        } else if (!placement.invalid) this.#draft.set(of, name, { read: undefined });
      }
      await this.#breathe(this.#signal);
    }
    return { version, apart: this.#stillThere(apart), failing: this.#stillThere(was?.failing), held };
  }

  async #go(placement: InForce<Placement>, was: Line | undefined): Promise<Line> {
    const { name } = placement.document.metadata;
    const apart = new Set(this.#stillThere(was?.apart));
    const failing = new Set(this.#stillThere(was?.failing));
    const resolved: Resolved[] = [];
    for (const of of this.#candidates(placement, was)) {
      const cluster = this.#docs.clusters.get(of);
      if (!cluster || cluster.invalid) continue;
      const row = this.#draft.get(of, name);
      failing.delete(of);
      if (whyNotSelected(placement.document, cluster.document) !== undefined) {
        apart.delete(of);
        if (row) this.#draft.delete(of, name);
        continue;
      }
      const result = await this.#resolve(placement, cluster, row);
      if ('problem' in result) {
        failing.add(of);
        const { problem: _, ...rest } = row ?? { read: undefined };
        this.#draft.set(of, name, { ...rest, problem: result.problem });
      } else resolved.push({ cluster, row, read: result.read });
      await this.#breathe(this.#signal);
    }
    const known = was?.version;
    const holding = known && (await this.#holding(known, resolved));
    if (!holding) this.#leave(name, was, apart, failing);
    for (const { cluster, row, read } of resolved) {
      const of = cluster.document.metadata.name;
      const at = holding?.get(of);
      if (at) apart.add(of);
      else apart.delete(of);
      if (row?.read !== read || row.at !== at || row.problem)
        this.#draft.set(of, name, { read, ...(at && { at }) });
    }
    const { oid, tree } = this.#commit;
    const fresh = {
      name: oid,
      tree,
      placement: placement.document,
      fleet: this.#fleet,
      values: this.#docs.values,
    };
    return { version: holding ? known : fresh, apart, failing };
  }

  /** Whom to look at: everyone when the placement or what it reads of the whole fleet changed. */
  *#candidates(placement: InForce<Placement>, was: Line | undefined): Iterable<string> {
    const { name } = placement.document.metadata;
    const sameValues = this.#sameValues || declaredNames(placement.document).size === 0;
    if (!was || was.held || !this.#sameDefaults || !sameValues || !this.#isSame(placement)) {
      yield* this.#docs.clusters.keys();
      return;
    }
    const seen = new Set([...this.#changed, ...was.failing]);
    yield* seen;
    if (!this.#overlays.dropped.has(name)) return;
    for (const [cluster, rows] of this.#before!.rows) {
      const read = rows.get(name)?.read;
      if (read && !seen.has(cluster) && !this.#overlays.isCurrent(read.overlay)) yield cluster;
    }
  }

  /** The version changes: who stays behind keeps the old one, and who was apart and is settled goes along. */
  #leave(name: string, was: Line | undefined, apart: Set<string>, failing: ReadonlySet<string>): void {
    const behind = new Set([...failing, ...this.#invalid]);
    const old = was?.version?.name;
    for (const of of behind) {
      const row = this.#draft.get(of, name);
      if (!row?.read || row.at || old === undefined) continue;
      this.#draft.set(of, name, { ...row, at: { revision: old, entryRevision: old } });
      apart.add(of);
    }
    for (const of of [...apart]) {
      if (behind.has(of)) continue;
      const row = this.#draft.get(of, name);
      if (row?.read) this.#draft.set(of, name, { read: row.read });
      apart.delete(of);
    }
  }

  /** Where everyone's digest is read under the version in force; undefined when it does not give one the digest that it has now. */
  async #holding(
    known: VersionSource,
    resolved: readonly Resolved[],
  ): Promise<ReadonlyMap<string, Revisions> | undefined> {
    const apart = new Map<string, Revisions>();
    for (const { cluster, row, read } of resolved) {
      const { name } = cluster.document.metadata;
      const moved = !row || cluster.relabelledAt === this.#commit.oid;
      if (row?.read?.digest === read.digest) {
        if (row.at) apart.set(name, row.at);
      } else if (!moved) return undefined;
      else if ((await this.#readAt(known, cluster))?.digest !== read.digest) return undefined;
      else apart.set(name, { revision: known.name, entryRevision: this.#commit.oid });
      await this.#breathe(this.#signal);
    }
    return apart;
  }

  async #resolve(
    placement: InForce<Placement>,
    cluster: InForceCluster,
    row: Row | undefined,
  ): Promise<{ read: Read } | { problem: Problem }> {
    const shared = this.#layers.of(this.#docs.values, placement.document, cluster.document);
    const given = shared && { shared };
    const resolution = resolveAssignment(this.#fleet, placement.document, cluster.document, given);
    if ('faults' in resolution) {
      const fault = resolution.faults[0]!;
      const source = fault.locate?.() ?? placement.locate(placeOf(placement.document, fault));
      return { problem: problemOf(fault.code, fault.message, source, placement, cluster) };
    }
    const { assignment } = resolution;
    try {
      const overlay =
        this.#overlays.find(assignment) ?? (await this.#overlays.read(assignment, this.#signal));
      const digest = this.#digestOf(assignment, overlay);
      const same = row?.read?.digest === digest && row.read.overlay === overlay;
      return { read: same ? row.read! : { overlay, digest } };
    } catch (error) {
      if (!isContentFault(error)) throw error;
      const source = error.code === 'overlay-missing' ? undefined : error.source;
      const where = source ?? placement.locate(['spec', 'path']);
      return { problem: problemOf(error.code, error.message, where, placement, cluster) };
    }
  }

  /** Without values and charts, one digest is that of every cluster with the same content. */
  #digestOf(assignment: Assignment, { nodes }: Overlay): string {
    const { placement } = assignment;
    if (nodes.charts || Object.keys(assignment.values).length > 0) return assignmentDigest(assignment, nodes);
    let known = this.#plain.get(nodes);
    if (known?.placement !== placement) {
      known = { placement, digest: assignmentDigest(assignment, nodes) };
      this.#plain.set(nodes, known);
    }
    return known.digest;
  }

  /** A cluster as it is now, under a version as it was; undefined where that cannot be had. */
  async #readAt(
    { tree, placement, fleet, values }: VersionSource,
    cluster: { readonly document: Cluster },
  ): Promise<Read | undefined> {
    if (whyNotSelected(placement, cluster.document) !== undefined) return undefined;
    const shared = this.#layers.of(values, placement, cluster.document);
    const resolution = resolveAssignment(fleet, placement, cluster.document, shared && { shared });
    if ('faults' in resolution) return undefined;
    try {
      return await this.#overlays.readAt(tree, resolution.assignment, this.#signal);
    } catch (error) {
      if (isContentFault(error) || (error instanceof FlotillaError && error.code === 'git-object-missing'))
        return undefined;
      throw error;
    }
  }

  #stillThere(clusters: ReadonlySet<string> | undefined): ReadonlySet<string> {
    return new Set([...(clusters ?? [])].filter((name) => this.#docs.clusters.has(name)));
  }
}

/** What the content of the repository is to blame for; anything else is no property of the revision. */
function isContentFault(error: unknown): error is FlotillaError {
  return error instanceof FlotillaError && !error.code.startsWith('git-') && error.code !== 'internal';
}

function problemOf(
  code: Problem['code'],
  message: string,
  source: Problem['source'],
  placement: InForce<Placement>,
  cluster: InForceCluster,
): Problem {
  return {
    code,
    severity: 'error',
    message,
    source,
    cluster: cluster.document.metadata.name,
    placement: placement.document.metadata.name,
  };
}

function sameDocuments<T>(a: ReadonlyMap<string, InForce<T>>, b: ReadonlyMap<string, InForce<T>>): boolean {
  return (
    a === b ||
    (a.size === b.size && [...a].every(([name, { document }]) => b.get(name)?.document === document))
  );
}

const sameJson = (a: unknown, b: unknown) => canonicalJson(a ?? null) === canonicalJson(b ?? null);
