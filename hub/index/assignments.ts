import { createBreather } from '#git/breathe.ts';
import { resolveAssignment, whyNotSelected } from '#proto/assignment.ts';
import { canonicalJson } from '#proto/canonical.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import type { Placement } from '#proto/documents/placement.ts';
import { placeOf } from '#proto/fleet-checks/assignments.ts';
import type { Problem } from '#proto/problems.ts';
import { declaredNames } from '#proto/values.ts';
import type { DocumentsInForce, InForce, InForceCluster } from '../core/in-force.ts';
import { Slots } from './contents.ts';
import { type Given, overToday, type Place, trimmed, type Wanted, withHead } from './history.ts';
import type { Kept } from './kept.ts';
import { Layers } from './layers.ts';
import { type EntryMoves, movesSince } from './moves.ts';
import type { Overlays } from './overlays.ts';
import { Digests, isContentFault, Past, type Read } from './past.ts';
import { type Assigned, type Line, nothingAssigned, type Retired, type Row, RowsDraft } from './rows.ts';
import { strategyIn } from './strategies.ts';

export type Before = Assigned & { readonly docs: DocumentsInForce };
/** Numbers of clusters that left may be as many as this and those of the fleet. */
const SPARE_SLOTS = 1_000;
/** A deleted placement that nobody wants is forgotten after so many further commits: whoever was at work on it has told by then. */
const RETIRED_COMMITS = 10;

/**
 * Resolves every placement on every cluster that it selects at a commit; of what no commit touched, nothing is looked at. What
 * cannot be resolved, or belongs to an invalid document, stays as the last version has it, with the problem. Versions are kept
 * over today's clusters, and the commit makes one where its map is another (`history.ts`).
 * @throws FlotillaError git-…; everything else becomes a problem
 */
export async function assign(
  before: Before | undefined,
  docs: DocumentsInForce,
  place: Place,
  overlays: Overlays,
  wanted: Wanted | undefined,
  signal: AbortSignal,
): Promise<Assigned> {
  if (!docs.fleet || docs.fleet.invalid) return before ?? nothingAssigned();
  await overlays.moveTo(place.commit.tree, signal);
  const step = new Step(before, docs, place, overlays, wanted, signal);
  const assigned = await step.run();
  overlays.settle();
  return assigned;
}

class Step {
  readonly #before: Before | undefined;
  readonly #docs: DocumentsInForce;
  readonly #fleet: Fleet;
  readonly #place: Place;
  readonly #overlays: Overlays;
  readonly #wanted: Wanted | undefined;
  readonly #signal: AbortSignal;
  readonly #draft: RowsDraft;
  readonly #layers = new Layers();
  readonly #breathe = createBreather();
  readonly #digests = new Digests();
  readonly #past: Past;
  readonly #slots: Slots;
  readonly #moves: EntryMoves;
  readonly #sameDefaults: boolean;
  readonly #sameValues: boolean;

  constructor(
    before: Before | undefined,
    docs: DocumentsInForce,
    place: Place,
    overlays: Overlays,
    wanted: Wanted | undefined,
    signal: AbortSignal,
  ) {
    this.#before = before;
    this.#docs = docs;
    this.#fleet = docs.fleet!.document;
    this.#place = place;
    this.#overlays = overlays;
    this.#wanted = wanted;
    this.#signal = signal;
    this.#draft = new RowsDraft(before?.rows ?? new Map());
    const was = before?.docs;
    this.#moves = movesSince(was, docs, place.commit.oid);
    const slots = before?.slots ?? new Slots();
    this.#slots =
      slots.size > 2 * docs.clusters.size + SPARE_SLOTS && this.#moves.left.size > 0 ? new Slots() : slots;
    this.#past = new Past(overlays, this.#layers, signal);
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
    const retired = new Map<string, Retired>();
    for (const name of this.#before?.lines.keys() ?? []) {
      if (placements.has(name)) continue;
      for (const [cluster, rows] of this.#draft.rows) if (rows.has(name)) this.#draft.delete(cluster, name);
      if (this.#before!.lines.get(name)!.kept.length > 0) retired.set(name, await this.#retire(name));
    }
    for (const [name, one] of this.#before?.retired ?? []) {
      const since = one.kept.at(-1)?.at ?? 0;
      const isOver = this.#wanted && !this.#wanted.has(name) && this.#place.at - since > RETIRED_COMMITS;
      if (placements.has(name) || isOver) continue;
      const kept = await this.#withDeletion(name, one.kept);
      retired.set(name, kept === one.kept ? one : { ...one, kept });
    }
    return { rows: this.#draft.rows, lines, retired, slots: this.#slots };
  }

  /** A placement that was deleted: its last version gives nothing to anybody. */
  async #retire(name: string): Promise<Retired> {
    const { docs, lines } = this.#before!;
    const { document, file } = docs.placements.get(name)!;
    const line = lines.get(name)!;
    const strategy = strategyIn(docs, document);
    return { document, file, strategy, kept: await this.#withDeletion(name, line.kept, line.behind) };
  }

  async #withDeletion(name: string, was: Kept, behind?: ReadonlySet<string>): Promise<Kept> {
    const kept = await this.#overToday(was, behind);
    const touched = [...(kept.at(-1)?.contents.keys() ?? [])];
    const among = { touched, staying: [], slots: this.#slots };
    return this.#trimmed(
      name,
      was,
      withHead(kept, this.#place, undefined, () => undefined, among),
    );
  }

  #trimmed(name: string, was: Kept, kept: Kept): Kept {
    return kept === was ? was : trimmed(kept, this.#wanted?.get(name));
  }

  #overToday(kept: Kept, behind: Iterable<string> = [], isHeld = false): Promise<Kept> {
    const names = new Set([...this.#moves.joined, ...(isHeld ? [] : [...this.#moves.relabelled, ...behind])]);
    const moved = [...names].flatMap((name) => this.#docs.clusters.get(name) ?? []);
    return overToday(kept, { left: this.#moves.left, moved }, this.#past, this.#slots);
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
    const known = this.#keptOf(name);
    const kept = await this.#overToday(known, was?.behind, held === 'document');
    const source = kept.at(-1)?.source;
    const candidates = was && this.#isSame(placement) ? this.#moves.changed : this.#docs.clusters.keys();
    for (const of of candidates) {
      const cluster = this.#docs.clusters.get(of)!;
      const row = this.#draft.get(of, name);
      const selected = whyNotSelected(placement.document, cluster.document) === undefined;
      if (row) {
        if (!selected && !placement.invalid && !cluster.invalid) this.#draft.delete(of, name);
      } else if (selected && !cluster.invalid) {
        const read = source && (await this.#past.read(source, cluster));
        if (read && read !== 'unselected') this.#draft.set(of, name, { read });
        else if (!placement.invalid) this.#draft.set(of, name, { read: undefined });
      }
      await this.#breathe(this.#signal);
    }
    return {
      failing: this.#stillThere(was?.failing),
      held,
      kept: this.#trimmed(name, known, kept),
      ...(held === 'document' && {
        behind: this.#stillThere([...(was?.behind ?? []), ...this.#moves.relabelled]),
      }),
    };
  }

  /** Also what is known of a placement that was deleted and is back. */
  #keptOf(name: string): Kept {
    return this.#before?.lines.get(name)?.kept ?? this.#before?.retired.get(name)?.kept ?? [];
  }

  async #go(placement: InForce<Placement>, was: Line | undefined): Promise<Line> {
    const { name } = placement.document.metadata;
    const failing = new Set(this.#stillThere(was?.failing));
    const touched: string[] = [];
    for (const of of this.#candidates(placement, was)) {
      const cluster = this.#docs.clusters.get(of);
      if (!cluster || cluster.invalid) continue;
      touched.push(of);
      const row = this.#draft.get(of, name);
      failing.delete(of);
      if (whyNotSelected(placement.document, cluster.document) !== undefined) {
        if (row) this.#draft.delete(of, name);
        continue;
      }
      const result = await this.#resolve(placement, cluster, row);
      if ('problem' in result) {
        failing.add(of);
        const { problem: _, ...rest } = row ?? { read: undefined };
        this.#draft.set(of, name, { ...rest, problem: result.problem });
      } else if (row?.read !== result.read || row.problem) this.#draft.set(of, name, { read: result.read });
      await this.#breathe(this.#signal);
    }
    const { oid, tree } = this.#place.commit;
    const fresh = {
      name: oid,
      tree,
      placement: placement.document,
      fleet: this.#fleet,
      values: this.#docs.values,
    };
    const given: Given = (of) => {
      const row = this.#draft.get(of, name);
      return row && (failing.has(of) || !row.read ? 'stays' : row.read);
    };
    const among = { touched, staying: this.#moves.invalid, slots: this.#slots };
    const before = this.#keptOf(name);
    const kept = await this.#overToday(before, was?.behind);
    return {
      failing,
      kept: this.#trimmed(name, before, withHead(kept, this.#place, fresh, given, among)),
    };
  }

  /** Whom to look at: everyone when the placement or what it reads of the whole fleet changed. */
  *#candidates(placement: InForce<Placement>, was: Line | undefined): Iterable<string> {
    const { name } = placement.document.metadata;
    const sameValues = this.#sameValues || declaredNames(placement.document).size === 0;
    if (!was || was.held || !this.#sameDefaults || !sameValues || !this.#isSame(placement)) {
      yield* this.#docs.clusters.keys();
      return;
    }
    const seen = new Set([...this.#moves.changed, ...was.failing]);
    yield* seen;
    if (!this.#overlays.dropped.has(name)) return;
    for (const [cluster, rows] of this.#before!.rows) {
      const read = rows.get(name)?.read;
      if (read && !seen.has(cluster) && !this.#overlays.isCurrent(read.overlay)) yield cluster;
    }
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
      const digest = this.#digests.of(assignment, overlay);
      const same = row?.read?.digest === digest && row.read.overlay === overlay;
      return { read: same ? row.read! : { overlay, digest } };
    } catch (error) {
      if (!isContentFault(error)) throw error;
      const source = error.code === 'overlay-missing' ? undefined : error.source;
      const where = source ?? placement.locate(['spec', 'path']);
      return { problem: problemOf(error.code, error.message, where, placement, cluster) };
    }
  }

  #stillThere(clusters: Iterable<string> | undefined): ReadonlySet<string> {
    return new Set([...(clusters ?? [])].filter((name) => this.#docs.clusters.has(name)));
  }
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
