import { createBreather } from '#git/breathe.ts';
import type { Commit, GitObjects } from '#git/objects.ts';
import { entryAt } from '#git/tree.ts';
import { FlotillaError } from '#proto/faults.ts';
import { readFleetFile } from '#proto/fleet-model.ts';
import type { Content } from '#rollouts/facts.ts';
import type { DocumentsInForce, InForceCluster } from '../core/in-force.ts';
import { authorsSince, commitAt } from './ancestry.ts';
import { Contents } from './contents.ts';
import { DocumentReader } from './documents.ts';
import { trimmed, type Wanted } from './history.ts';
import { type Indexed, Indexer } from './indexer.ts';
import type { Kept, KeptVersion } from './kept.ts';
import type { Retired } from './rows.ts';
import { strategyIn } from './strategies.ts';

/** How far below the head a revision is looked for. */
const MOST_COMMITS = 10_000;
/** Commits below a revision that its documents and content may be read at where its own are invalid. */
const BELOW = 100;

type Found = {
  readonly commit: Commit;
  readonly at: number;
  readonly below: readonly Commit[];
  readonly younger: ReadonlySet<string>;
};
type Recalled = { readonly version: KeptVersion; readonly retired: Omit<Retired, 'kept'> | undefined };

/** What is wanted and not there, of what there is hope for. */
export function missingOf(
  { lines, retired }: Pick<Indexed, 'lines' | 'retired'>,
  wanted: Wanted,
  isHoped: (placement: string, revision: string) => boolean = () => true,
): Wanted {
  const missing = new Map<string, ReadonlySet<string>>();
  for (const [placement, revisions] of wanted) {
    const kept = (lines.get(placement) ?? retired.get(placement))?.kept ?? [];
    const known = new Set(kept.map(({ revision }) => revision));
    const absent = new Set(
      [...revisions].filter((revision) => !known.has(revision) && isHoped(placement, revision)),
    );
    if (absent.size > 0) missing.set(placement, absent);
  }
  return missing;
}

/**
 * Reads versions again from Git that the index does not have (a cache that was lost, more commits at once than are looked at one by one),
 * if they are on the branch: what each revision gave to today's clusters. A placement that is gone since is taken for deleted by the head.
 * Versions that are equal to such a one and that nobody wants go; so the head may come to be named by it.
 * @throws FlotillaError git-…
 */
export async function recall(
  indexed: Indexed,
  wanted: Wanted,
  missing: Wanted,
  objects: GitObjects,
  signal: AbortSignal,
): Promise<Indexed> {
  const revisions = new Set([...missing.values()].flatMap((of) => [...of]));
  const reader = new Recall(indexed, objects, signal);
  const recalled = new Map<string, Recalled[]>();
  for (const found of await reader.find(revisions)) {
    const placements = [...missing].flatMap(([name, of]) => (of.has(found.commit.oid) ? [name] : []));
    for (const [name, one] of await hereOr(() => reader.read(found, placements), new Map()))
      recalled.set(name, [...(recalled.get(name) ?? []), one]);
  }
  const lines = new Map(indexed.lines);
  const retired = new Map(indexed.retired);
  for (const [name, found] of recalled) {
    const versions = found.map(({ version }) => version);
    const line = lines.get(name);
    const known = line ?? retired.get(name);
    const told = known ? undefined : found.findLast((one) => one.retired)?.retired;
    if (!known && !told) continue;
    const before = known?.kept ?? [reader.deletion()].filter(({ at }) => versions.at(-1)!.at < at);
    const all = [...before, ...versions].sort((a, b) => a.at - b.at);
    const kept = trimmed(await reader.withAuthors(all, new Set(versions)), wanted.get(name));
    if (line) lines.set(name, { ...line, kept });
    else retired.set(name, { ...(retired.get(name) ?? told!), kept });
  }
  return recalled.size > 0 ? { ...indexed, lines, retired } : indexed;
}

class Recall {
  readonly #indexed: Indexed;
  readonly #objects: GitObjects;
  readonly #signal: AbortSignal;
  readonly #entries = new Map<string, InForceCluster>();
  #documents: DocumentReader | undefined;

  constructor(indexed: Indexed, objects: GitObjects, signal: AbortSignal) {
    this.#indexed = indexed;
    this.#objects = objects;
    this.#signal = signal;
  }

  /** Those on the branch, oldest first. */
  async find(revisions: ReadonlySet<string>): Promise<Found[]> {
    const { commit: head, at, lines, retired } = this.#indexed;
    const places = new Map<string, number>();
    for (const { kept } of [...lines.values(), ...retired.values()])
      for (const version of kept) places.set(version.revision, version.at);
    const line: Commit[] = [];
    const found: (Pick<Found, 'commit' | 'at'> & { readonly depth: number })[] = [];
    let place = at + 1;
    let left = BELOW;
    const breathe = createBreather();
    for (let commit: Commit | undefined = head; commit && line.length < MOST_COMMITS; ) {
      if (found.length === revisions.size && left-- <= 0) break;
      place = places.get(commit.oid) ?? place - 1;
      if (revisions.has(commit.oid)) found.unshift({ commit, at: place, depth: line.length });
      line.push(commit);
      await breathe(this.#signal);
      const [parent]: readonly string[] = commit.parents;
      commit = parent === undefined ? undefined : await commitAt(this.#objects, parent, this.#signal);
    }
    return found.map(({ commit, at: of, depth }) => ({
      commit,
      at: of,
      below: line.slice(depth, depth + BELOW),
      younger: new Set(line.slice(0, depth).map(({ oid }) => oid)),
    }));
  }

  /** What a revision says of placements, over today's clusters. Of what was never valid there nothing is known. */
  async read(found: Found, placements: readonly string[]): Promise<Map<string, Recalled>> {
    const { commit, at, below } = found;
    const joined = await this.#joinedSince(found.younger);
    const narrowed = new WeakMap<DocumentsInForce, DocumentsInForce>();
    const narrow = (docs: DocumentsInForce) => {
      let some = narrowed.get(docs);
      if (!some) {
        some = this.#overToday(docs, placements, joined);
        narrowed.set(docs, some);
      }
      return some;
    };
    const past = await new Indexer(this.#objects, await this.#reader(), narrow).reach(below, this.#signal);
    const result = new Map<string, Recalled>();
    for (const name of placements) {
      if (past.docs.unreadable.placements.has(name) || !past.docs.fleet) continue;
      const placement = past.docs.placements.get(name);
      const line = past.lines.get(name);
      const last = line?.kept.at(-1);
      const told = { revision: commit.oid, at, authors: [] };
      if (!placement || !line || !last?.source) {
        if (!placement) result.set(name, { version: this.#nothing(told), retired: undefined });
        continue;
      }
      const isHeld = (cluster: string) =>
        line.held !== undefined ||
        line.failing.has(cluster) ||
        (!joined.has(cluster) && past.docs.clusters.get(cluster)?.invalid === true);
      const contents = function* (): Iterable<[string, Content]> {
        for (const [cluster, content] of last.contents) {
          const entryRevision = joined.get(cluster)?.revision;
          const own = { digest: content.digest, entryRevision: commit.oid };
          const read = isHeld(cluster) ? { revision: last.revision, ...content } : own;
          yield [cluster, { ...read, ...(entryRevision !== undefined && { entryRevision }) }];
        }
      };
      const { document, file } = placement;
      const source = line.held
        ? last.source
        : {
            name: commit.oid,
            tree: commit.tree,
            placement: document,
            fleet: past.docs.fleet.document,
            values: past.docs.values,
          };
      const version = { ...told, source, contents: Contents.of(commit.oid, contents(), this.#indexed.slots) };
      result.set(name, { version, retired: { document, file, strategy: strategyIn(past.docs, document) } });
    }
    return result;
  }

  /** A version that gives nothing, at the head. */
  deletion(): KeptVersion {
    const { commit, at } = this.#indexed;
    return this.#nothing({ revision: commit.oid, at, authors: [] });
  }

  /** Tells authors anew of versions that are new, and of those after them. */
  async withAuthors(all: Kept, fresh: ReadonlySet<KeptVersion>): Promise<Kept> {
    const result: KeptVersion[] = [];
    for (const [i, version] of all.entries()) {
      const before = all[i - 1];
      if (!fresh.has(version) && !(before && fresh.has(before))) result.push(version);
      else {
        const commit = await this.#objects.readCommit(version.revision, this.#signal);
        const authors = await authorsSince(this.#objects, before?.revision, commit, this.#signal);
        result.push({ ...version, authors: [...authors] });
      }
    }
    return result;
  }

  #nothing(told: Pick<KeptVersion, 'revision' | 'at' | 'authors'>): KeptVersion {
    return { ...told, source: undefined, contents: Contents.of(told.revision, [], this.#indexed.slots) };
  }

  /** Today's clusters, each with the entry of then; the later one where it joined or was relabelled since. */
  #overToday(
    docs: DocumentsInForce,
    placements: readonly string[],
    joined: ReadonlyMap<string, InForceCluster>,
  ): DocumentsInForce {
    const clusters = new Map<string, InForceCluster>();
    for (const [name, cluster] of this.#indexed.docs.clusters)
      clusters.set(name, joined.get(name) ?? docs.clusters.get(name) ?? cluster);
    const some = placements.flatMap((name) => docs.placements.get(name) ?? []);
    return { ...docs, clusters, placements: new Map(some.map((one) => [one.document.metadata.name, one])) };
  }

  async #joinedSince(younger: ReadonlySet<string>): Promise<ReadonlyMap<string, InForceCluster>> {
    const joined = new Map<string, InForceCluster>();
    for (const [name, cluster] of this.#indexed.docs.clusters)
      if (younger.has(cluster.relabelledAt)) joined.set(name, await this.#entryOf(name, cluster));
    return joined;
  }

  /** As the commit has it that created or relabelled it; as it is now, where that cannot be read. */
  async #entryOf(name: string, cluster: InForceCluster): Promise<InForceCluster> {
    const { relabelledAt, revision, file } = cluster;
    const known = revision === relabelledAt ? cluster : this.#entries.get(name);
    if (known) return known;
    const signal = this.#signal;
    let entry: InForceCluster = cluster;
    const { tree } = await this.#objects.readCommit(relabelledAt, signal);
    const at = await entryAt(this.#objects, tree, file, signal);
    if (at?.oid === cluster.blob) entry = { ...cluster, revision: relabelledAt };
    else if (at?.mode === 'file' || at?.mode === 'executable') {
      const text = new TextDecoder().decode(await this.#objects.readBlob(at.oid, signal));
      const result = readFleetFile(file, text)?.result;
      if (
        result &&
        'read' in result &&
        result.read.kind === 'Cluster' &&
        result.read.document.metadata.name === name
      )
        entry = { ...cluster, ...result.read, blob: at.oid, revision: relabelledAt, invalid: false };
    }
    this.#entries.set(name, entry);
    return entry;
  }

  async #reader(): Promise<DocumentReader> {
    const { commit, reading } = this.#indexed;
    if (!this.#documents) {
      this.#documents = new DocumentReader(this.#objects);
      await this.#documents.resume(commit.tree, reading.files, this.#signal);
    }
    return this.#documents;
  }
}

/** Something else for what is not here any more. */
async function hereOr<T, U>(read: () => Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof FlotillaError && error.code === 'git-object-missing') return otherwise;
    throw error;
  }
}
