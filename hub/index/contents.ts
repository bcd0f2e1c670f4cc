import type { Content } from '#rollouts/facts.ts';

/**
 * Numbers for names of clusters. They are only ever added, so that what was built on them stays true; who finds too many of
 * them unused goes on with new ones.
 */
export class Slots {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];

  get size(): number {
    return this.#names.length;
  }

  find(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  nameAt(slot: number): string {
    return this.#names[slot]!;
  }

  of(name: string): number {
    let slot = this.#numbers.get(name);
    if (slot === undefined) {
      slot = this.#names.push(name) - 1;
      this.#numbers.set(name, slot);
    }
    return slot;
  }
}

/**
 * What a version gives each cluster, as one array of digests: a fleet has some hundred versions of ten thousand clusters
 * each. Contents are read at the version's own revision but for those that stand apart; each object is made when it is asked for.
 */
export class Contents implements ReadonlyMap<string, Content> {
  readonly #slots: Slots;
  readonly #digests: readonly (string | undefined)[];
  readonly #revision: string;
  readonly #apart: ReadonlyMap<string, Content>;
  readonly size: number;

  private constructor(
    slots: Slots,
    digests: readonly (string | undefined)[],
    revision: string,
    apart: ReadonlyMap<string, Content>,
  ) {
    this.#slots = slots;
    this.#digests = digests;
    this.#revision = revision;
    this.#apart = apart;
    let size = 0;
    for (const digest of digests) if (digest !== undefined) size++;
    this.size = size;
  }

  /** Of a version of this name. What is given twice counts as it was given last. */
  static of(revision: string, contents: Iterable<readonly [string, Content]>, slots = new Slots()): Contents {
    return new Contents(slots, [], revision, new Map()).with(contents);
  }

  /** With other content on some clusters, none where it is undefined; itself where nothing differs. */
  with(
    changes: Iterable<readonly [cluster: string, content: Content | undefined]>,
    slots = this.#slots,
  ): Contents {
    const isOther = slots !== this.#slots;
    let digests: (string | undefined)[] | undefined = isOther ? [] : undefined;
    let apart: Map<string, Content> | undefined = isOther ? new Map() : undefined;
    const given = isOther ? [...this, ...changes] : changes;
    for (const [cluster, content] of given) {
      const slot = content ? slots.of(cluster) : slots.find(cluster);
      if (slot === undefined) continue;
      const own = content && this.#isOwn(content);
      const known = (apart ?? this.#apart).get(cluster);
      const was = (digests ?? this.#digests)[slot];
      if (was === content?.digest && (own || !content ? !known : known && sameContent(known, content)))
        continue;
      digests ??= [...this.#digests];
      apart ??= new Map(this.#apart);
      while (digests.length < slot) digests.push(undefined);
      digests[slot] = content?.digest;
      if (content && !own) apart.set(cluster, content);
      else apart.delete(cluster);
    }
    return digests ? new Contents(slots, digests, this.#revision, apart!) : this;
  }

  /** The same digests, all read at another revision. */
  readAt(revision: string): Contents {
    return new Contents(this.#slots, this.#digests, revision, new Map());
  }

  /** Whether every cluster has the same digest in both. */
  equals(other: Contents): boolean {
    if (this === other) return true;
    if (this.size !== other.size) return false;
    if (this.#slots === other.#slots)
      return this.#digests.every((digest, slot) => digest === undefined || digest === other.#digests[slot]);
    for (const cluster of this.keys()) if (this.digest(cluster) !== other.digest(cluster)) return false;
    return true;
  }

  /** Those that are not read at the version's own revision. */
  get apart(): ReadonlyMap<string, Content> {
    return this.#apart;
  }

  digest(cluster: string): string | undefined {
    const slot = this.#slots.find(cluster);
    return slot === undefined ? undefined : this.#digests[slot];
  }

  has(cluster: string): boolean {
    return this.digest(cluster) !== undefined;
  }

  get(cluster: string): Content | undefined {
    const digest = this.digest(cluster);
    return digest === undefined ? undefined : this.#content(cluster, digest);
  }

  *entries(): MapIterator<[string, Content]> {
    for (const [slot, digest] of this.#digests.entries()) {
      if (digest === undefined) continue;
      const cluster = this.#slots.nameAt(slot);
      yield [cluster, this.#content(cluster, digest)];
    }
  }

  *keys(): MapIterator<string> {
    for (const [slot, digest] of this.#digests.entries())
      if (digest !== undefined) yield this.#slots.nameAt(slot);
  }

  *values(): MapIterator<Content> {
    for (const [, content] of this.entries()) yield content;
  }

  [Symbol.iterator](): MapIterator<[string, Content]> {
    return this.entries();
  }

  forEach(told: (content: Content, cluster: string, all: ReadonlyMap<string, Content>) => void): void {
    for (const [cluster, content] of this.entries()) told(content, cluster, this);
  }

  #content(cluster: string, digest: string): Content {
    return this.#apart.get(cluster) ?? { digest, entryRevision: this.#revision };
  }

  #isOwn({ entryRevision, revision }: Content): boolean {
    return revision === undefined && entryRevision === this.#revision;
  }
}

const sameContent = (a: Content, b: Content) =>
  a.digest === b.digest && a.entryRevision === b.entryRevision && a.revision === b.revision;
