import type { Commit, GitObjects } from '#git/objects.ts';
import { isKnown } from '#proto/fleet-checks/context.ts';
import { type FleetModel, judgeFleet } from '#proto/fleet-model.ts';
import type { Problem } from '#proto/problems.ts';
import { rejudge } from '#proto/rejudge.ts';
import { type DocumentsInForce, documentsInForce, withEntries } from '../core/in-force.ts';
import { authorsSince } from './ancestry.ts';
import { assign } from './assignments.ts';
import { DocumentReader, type Reading } from './documents.ts';
import type { Place, Wanted } from './history.ts';
import { entryOrigins } from './origins.ts';
import { Overlays } from './overlays.ts';
import type { Assigned } from './rows.ts';
import type { SavedIndex } from './saved/format.ts';

/** What one revision means, given the revisions before it. */
export type Indexed = Assigned & {
  readonly commit: Commit;
  readonly reading: Reading;
  readonly model: FleetModel;
  readonly docs: DocumentsInForce;
  readonly at: Place['at'];
  readonly wrote: Place['wrote'];
};

/** Places are kept free where it is not known how many commits were not looked at: more than anybody ever walks. */
const FREE_PLACES = 1_000_000;
/** How far back a document or an overlay that is invalid at the first revision seen is looked for. */
const MOST_WALKED = 100;

/** Goes along the first-parent line of a branch, revision by revision. */
export class Indexer {
  readonly #objects: GitObjects;
  readonly #documents: DocumentReader;
  readonly #narrow: (docs: DocumentsInForce) => DocumentsInForce;
  #overlays: Overlays;
  #wanted: Wanted | undefined;
  #current: Indexed | undefined;

  /** `narrow` says of which documents in force anything is assigned, if not of all. */
  constructor(
    objects: GitObjects,
    documents = new DocumentReader(objects),
    narrow = (docs: DocumentsInForce) => docs,
  ) {
    this.#objects = objects;
    this.#documents = documents;
    this.#narrow = narrow;
    this.#overlays = new Overlays(objects);
  }

  get current(): Indexed | undefined {
    return this.#current;
  }

  /** Versions that are kept from now on besides the newest ones. */
  keep(wanted: Wanted | undefined): void {
    this.#wanted = wanted;
  }

  /** Goes on from the current revision with more known of it. */
  adopt(indexed: Indexed): void {
    if (indexed.commit.oid !== this.#current?.commit.oid) throw new Error('that is another revision');
    this.#current = indexed;
  }

  /**
   * Begins at a revision; `history` are the commits from it downwards, newest first. Where something in it is invalid, it begins
   * as far back as that was last valid, within bounds.
   * @throws FlotillaError git-…; then everything is as before
   */
  async begin(history: readonly Commit[], signal: AbortSignal): Promise<Indexed> {
    const indexed = await this.reach(history, signal);
    const files = new Map<string, string>();
    for (const [name, { file }] of indexed.docs.clusters) files.set(name, file);
    const origins = await entryOrigins(this.#objects, history, files, signal);
    const clusters = new Map(
      [...indexed.docs.clusters].map(([name, cluster]) => [name, { ...cluster, ...origins.get(name) }]),
    );
    this.#current = { ...indexed, docs: { ...indexed.docs, clusters } };
    return this.#current;
  }

  /** What `begin` finds, but for when entries came to be; nothing goes on from it. */
  async reach(history: readonly Commit[], signal: AbortSignal): Promise<Indexed> {
    this.#overlays = new Overlays(this.#objects);
    const walked = history.slice(0, MOST_WALKED);
    let indexed = await this.#step(undefined, walked[0]!, signal);
    for (let from: number | undefined = 0; isWanting(indexed); ) {
      from = await this.#older(indexed, walked, from, signal);
      if (from === undefined) break;
      indexed = await this.#along(walked.slice(0, from + 1), signal);
    }
    return indexed;
  }

  /** Goes on where an earlier process was. @throws FlotillaError git-…; then nothing was begun */
  async resume(saved: SavedIndex, signal: AbortSignal): Promise<Indexed> {
    const { files, overlays, overlayTree, ...rest } = saved;
    const { commit, docs } = rest;
    const reading = await this.#documents.resume(commit.tree, files, signal);
    if (overlayTree !== undefined) this.#overlays.resume(overlayTree, overlays);
    this.#current = { ...rest, reading, model: judge(reading, docs) };
    return this.#current;
  }

  /** What `resume` goes on from; undefined before anything was indexed. */
  get saved(): SavedIndex | undefined {
    if (!this.#current) return undefined;
    const { reading, model: _, ...rest } = this.#current;
    const { tree, overlays } = this.#overlays.state;
    return { ...rest, files: reading.files, overlays, overlayTree: tree };
  }

  /** Goes on over further commits, oldest first. @throws FlotillaError git-…; then everything is as before */
  async advance(commits: readonly Commit[], signal: AbortSignal): Promise<Indexed> {
    let indexed = this.#current;
    for (const commit of commits) indexed = await this.#step(indexed, commit, signal);
    if (!indexed) throw new Error('nothing was indexed yet');
    this.#current = indexed;
    return indexed;
  }

  async #step(before: Indexed | undefined, commit: Commit, signal: AbortSignal): Promise<Indexed> {
    const reading = await this.#documents.read(commit.tree, signal);
    const { model, docs } = this.#judged(before, reading, commit);
    const place = await this.#placeOf(before, commit, signal);
    const was = before && { ...before, docs: this.#narrow(before.docs) };
    const assigned = await assign(was, this.#narrow(docs), place, this.#overlays, this.#wanted, signal);
    return { ...assigned, ...place, reading, model, docs };
  }

  async #placeOf(before: Indexed | undefined, commit: Commit, signal: AbortSignal): Promise<Place> {
    const isNext = before === undefined || commit.parents[0] === before.commit.oid;
    const at = (before?.at ?? 0) + (isNext ? 1 : FREE_PLACES);
    const wrote = new Map(before?.wrote);
    for (const author of await authorsSince(this.#objects, before?.commit.oid, commit, signal))
      wrote.set(author, at);
    return { commit, at, wrote };
  }

  /** What the documents mean; where only few of them changed, only those are looked at, if that is enough. */
  #judged(before: Indexed | undefined, reading: Reading, commit: Commit): Pick<Indexed, 'model' | 'docs'> {
    const { files, since } = reading;
    if (before && reading.key === before.reading.key) return before;
    const changed = before && since?.key === before.reading.key ? since.paths : undefined;
    const model =
      changed &&
      rejudge(
        before!.model,
        changed.map((path) => files.get(path)?.read),
      );
    if (model) return { model, docs: withEntries(before!.docs, model, changed, files, commit) };
    const judged = judge(reading, before?.docs);
    return { model: judged, docs: documentsInForce(before?.docs, judged, files, commit) };
  }

  async #along(newestFirst: readonly Commit[], signal: AbortSignal): Promise<Indexed> {
    let indexed: Indexed | undefined;
    this.#overlays = new Overlays(this.#objects);
    for (const commit of newestFirst.toReversed()) indexed = await this.#step(indexed, commit, signal);
    return indexed!;
  }

  /**
   * A place further back than `from` at which more may be in force: where a document that is wanting was valid or, for content,
   * twice as far back. Undefined when there is none.
   */
  async #older(
    indexed: Indexed,
    history: readonly Commit[],
    from: number,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { fleet, unreadable } = indexed.docs;
    for (const [at, { tree }] of history.entries()) {
      if (at <= from || (fleet && !hasUnreadable(indexed.docs))) continue;
      const model = judge(await this.#documents.read(tree, signal));
      const found =
        (!fleet && !model.invalid.fleet) ||
        [...unreadable.clusters].some((name) => isKnown(model.clusters, name)) ||
        [...unreadable.placements].some((name) => isKnown(model.placements, name));
      if (found) return at;
    }
    const hasUnresolved = isUnresolved(indexed);
    const last = history.length - 1;
    return hasUnresolved && from < last ? Math.min(last, 2 * from + 1) : undefined;
  }
}

/** Whether something could be in force if only more history were known. */
function isWanting(indexed: Indexed): boolean {
  return !indexed.docs.fleet || hasUnreadable(indexed.docs) || isUnresolved(indexed);
}

function isUnresolved({ rows }: Assigned): boolean {
  return rows.values().some((ofCluster) => ofCluster.values().some(({ read }) => !read));
}

function hasUnreadable({ unreadable }: DocumentsInForce): boolean {
  return unreadable.clusters.size + unreadable.placements.size > 0;
}

/** Every problem at a revision: of documents, and of assignments that do not resolve. */
export function problemsOf({ model, rows, lines }: Indexed): Problem[] {
  const ofRows = [...lines].flatMap(([placement, { failing }]) =>
    [...failing].flatMap((cluster) => rows.get(cluster)?.get(placement)?.problem ?? []),
  );
  return [...model.problems, ...ofRows];
}

/** With what is in force, errors between documents are charged to the one that changed. */
function judge({ files }: Reading, before?: DocumentsInForce): FleetModel {
  return judgeFleet(
    files.values().map(({ read }) => read),
    before,
  );
}
