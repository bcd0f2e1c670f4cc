import type { Commit } from '#git/objects.ts';
import type { Content } from '#rollouts/facts.ts';
import type { InForceCluster } from '../core/in-force.ts';
import { Contents, type Slots } from './contents.ts';
import type { Kept, KeptVersion, VersionSource } from './kept.ts';
import type { Past } from './past.ts';

/** A commit on the branch, and who wrote what before it. */
export type Place = {
  readonly commit: Commit;
  /** Greater than that of every commit that was indexed before. */
  readonly at: number;
  /** Author → place of the newest commit that brought something of theirs. */
  readonly wrote: ReadonlyMap<string, number>;
};

/** Who is not in the fleet any more, and who joined or was relabelled. */
export type Moves = {
  readonly left: ReadonlySet<string>;
  readonly moved: readonly InForceCluster[];
};

/** By placement, the revisions whose versions are to be kept. */
export type Wanted = ReadonlyMap<string, ReadonlySet<string>>;

/** So many versions of a placement are kept even if nobody wants them. */
const NEWEST = 8;

/** What a commit gives a cluster: a digest, what it had before, or nothing. */
export type Given = (cluster: string) => { readonly digest: string } | 'stays' | undefined;

/**
 * Kept versions over today's clusters. What a version gives a cluster that joined or was relabelled is worked out from what the version
 * itself says and the entry as it is now; what cannot be had stays what it was: what the cluster had in this version, or what the version
 * before gives it.
 */
export async function overToday(kept: Kept, { left, moved }: Moves, past: Past, slots: Slots): Promise<Kept> {
  if (kept.length === 0 || (left.size === 0 && moved.length === 0)) return kept;
  const result: KeptVersion[] = [];
  for (const version of kept) {
    const { source, contents } = version;
    const changes: [string, Content | undefined][] = [...left].map((cluster) => [cluster, undefined]);
    const shared = new Map<string, Content>();
    for (const cluster of source ? moved : []) {
      const { name } = cluster.document.metadata;
      const own = contents.get(name);
      const read = await past.read(source!, cluster);
      if (read === 'unselected') changes.push([name, undefined]);
      else if (!read) changes.push([name, own ?? stayingOf(result.at(-1), name)]);
      else if (read.digest !== own?.digest) {
        const content = { digest: read.digest, entryRevision: cluster.revision, ...elsewhere(version) };
        changes.push([name, sharedOf(shared, content)]);
      }
    }
    const now = contents.with(changes, slots);
    result.push(now === contents ? version : { ...version, contents: now });
  }
  return result.every((version, at) => version === kept[at]) ? kept : result;
}

/**
 * With the version that a commit makes, if its map differs from that of the last one. It can differ on `touched` only; of the others, `staying`
 * are those of whom the commit says nothing.
 */
export function withHead(
  kept: Kept,
  { commit, at, wrote }: Place,
  source: VersionSource | undefined,
  given: Given,
  { touched, staying, slots }: { touched: readonly string[]; staying: Iterable<string>; slots: Slots },
): Kept {
  const last = kept.at(-1);
  if (last && !touched.some((cluster) => isOther(given(cluster), last.contents, cluster))) return kept;
  const changes = new Map<string, Content | undefined>();
  for (const cluster of staying) changes.set(cluster, stayingOf(last, cluster));
  for (const cluster of touched) {
    const now = given(cluster);
    if (now === 'stays') changes.set(cluster, stayingOf(last, cluster));
    else changes.set(cluster, now && { digest: now.digest, entryRevision: commit.oid });
  }
  const since = last?.at ?? at - 1;
  const version: KeptVersion = {
    revision: commit.oid,
    at,
    contents: (last?.contents.readAt(commit.oid) ?? Contents.of(commit.oid, [], slots)).with(changes, slots),
    authors: [...wrote].flatMap(([author, newest]) => (newest > since ? [author] : [])),
    source,
  };
  return [...kept, version];
}

/**
 * Without what nobody wants: of versions that have become equal to their neighbours all but the first, and the oldest ones. Who wrote what
 * lies between two versions that are left is told with the later one.
 */
export function trimmed(kept: Kept, wanted: ReadonlySet<string> = NOBODY): Kept {
  const dropped = new Set<KeptVersion>();
  for (let from = 0, to = 1; from < kept.length; from = to, to++) {
    while (to < kept.length && kept[to]!.contents.equals(kept[from]!.contents)) to++;
    const run = kept.slice(from, to);
    const named = run.filter(({ revision }) => wanted.has(revision));
    const left = named.length > 0 ? named : run.slice(0, 1);
    for (const version of run) if (!left.includes(version)) dropped.add(version);
  }
  const rest = kept.filter((version) => !dropped.has(version));
  for (const version of rest.slice(0, -NEWEST)) if (!wanted.has(version.revision)) dropped.add(version);
  if (dropped.size === 0) return kept;
  const result: KeptVersion[] = [];
  let authors: readonly string[] = [];
  for (const version of kept) {
    if (dropped.has(version)) authors = [...authors, ...version.authors];
    else {
      const all =
        result.length > 0 || kept[0] === version
          ? [...new Set([...authors, ...version.authors])]
          : version.authors;
      result.push(all.length === version.authors.length ? version : { ...version, authors: all });
      authors = [];
    }
  }
  return result;
}

const NOBODY: ReadonlySet<string> = new Set();

/** Where a version is read whose own revision cannot be. */
function elsewhere({ revision, source }: KeptVersion): Pick<Content, 'revision'> {
  return source && source.name !== revision ? { revision: source.name } : {};
}

/** The same object for the same content: of thousands of clusters that join at once, most are given the same. */
function sharedOf(known: Map<string, Content>, content: Content): Content {
  const key = `${content.digest} ${content.entryRevision}`;
  const same = known.get(key);
  if (!same) known.set(key, content);
  return same ?? content;
}

function isOther(given: ReturnType<Given>, last: Contents, cluster: string): boolean {
  return given !== 'stays' && given?.digest !== last.digest(cluster);
}

/** What a version gives a cluster, as a later one says it that has nothing of its own for it. */
function stayingOf(version: KeptVersion | undefined, cluster: string): Content | undefined {
  const content = version?.contents.get(cluster);
  return content && { revision: version!.revision, ...content };
}
