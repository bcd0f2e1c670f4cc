import type { Content, Version } from './facts.ts';
import type { Membership } from './membership.ts';

/** A placement's versions in branch order. What the facts no longer know is older than everything, and removes nothing. */
export class Versions {
  readonly #order: ReadonlyMap<string, number>;
  readonly #all: readonly Version[];
  readonly #differences = new Map<string, ReadonlySet<string>>();

  constructor(all: readonly Version[]) {
    this.#all = all;
    this.#order = new Map(all.map(({ revision }, at) => [revision, at]));
  }

  get head(): Version | undefined {
    return this.#all.at(-1);
  }

  /** Place on the branch; -1 where it is not known. */
  order(revision: string | undefined): number {
    return revision === undefined ? -1 : (this.#order.get(revision) ?? -1);
  }

  get(revision: string | undefined): Version | undefined {
    return revision === undefined ? undefined : this.#all[this.order(revision)];
  }

  content(revision: string | undefined, cluster: string): Content | undefined {
    return this.get(revision)?.contents.get(cluster);
  }

  /** Digests by place of members, null where it gives nothing; computed once for a version and a membership. */
  digests(revision: string, membership: Membership): readonly (string | null)[] | undefined {
    const contents = this.get(revision)?.contents;
    if (!contents) return undefined;
    let known = digestsOf.get(contents);
    if (!known) {
      known = new WeakMap();
      digestsOf.set(contents, known);
    }
    let found = known.get(membership);
    if (!found) {
      found = Array.from(membership.memberOf.keys(), (name) => contents.get(name)?.digest ?? null);
      known.set(membership, found);
    }
    return found;
  }

  /** Everybody who wrote a commit after one version, up to another. */
  authors(after: string | undefined, upTo: string): Set<string> {
    const between = this.#all.slice(this.order(after) + 1, this.order(upTo) + 1);
    return new Set(between.flatMap(({ authors }) => authors));
  }

  /** The version in force at a place on the branch. */
  inForceAt(at: number): Version | undefined {
    return this.#all.findLast((version) => version.at <= at);
  }

  /** Clusters to which two versions give different digests; computed once for a pair. */
  differing(one: string | undefined, other: string): ReadonlySet<string> {
    const key = `${one} ${other}`;
    const known = this.#differences.get(key);
    if (known) return known;
    const [a, b] = [this.get(one)?.contents, this.get(other)?.contents];
    const found = new Set<string>();
    for (const [cluster, { digest }] of b ?? []) if (a?.get(cluster)?.digest !== digest) found.add(cluster);
    for (const cluster of a?.keys() ?? []) if (!b?.has(cluster)) found.add(cluster);
    this.#differences.set(key, found);
    return found;
  }
}

const digestsOf = new WeakMap<Version['contents'], WeakMap<Membership, readonly (string | null)[]>>();
const wrapped = new WeakMap<readonly Version[], Versions>();

export function versionsOf(all: readonly Version[]): Versions {
  const known = wrapped.get(all);
  if (known) return known;
  const made = new Versions(all);
  wrapped.set(all, made);
  return made;
}
