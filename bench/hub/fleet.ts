import type { Commit } from '#git/objects.ts';
import type {
  Assignments,
  EffectiveCluster,
  EffectivePlacement,
  IndexedAssignment,
  IndexSnapshot,
} from '#hub/core/types.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import { createNkey } from '#proto/nkey.ts';
import type { Content, Version } from '#rollouts/facts.ts';
import { clusterName, ringOf, STANDARD, strategyWith } from '../rings.ts';

/** Snapshots as the index hands them out, made without a repository: every placement is on every cluster. */
const person = { name: 'Ada', email: 'ada@example.com', at: 1_700_000_000 };

export const placementName = (index: number) => `app-${String(index).padStart(2, '0')}`;
/** The same number is always the same object id. */
export const oid = (number: number) => number.toString(16).padStart(40, '0');

/** What the first commit travels by, so that it is there soon. */
const HASTY = strategyWith({});

export class Fleet {
  readonly clusters: number;
  readonly placements: number;
  readonly #entries: ReadonlyMap<string, EffectiveCluster>;
  readonly #commits: Commit[] = [];
  #versions: ReadonlyMap<string, readonly Version[]> = new Map();
  #head: IndexSnapshot | undefined;

  constructor(clusters: number, placements: number) {
    this.clusters = clusters;
    this.placements = placements;
    const { publicKey } = createNkey('user');
    const first = commit(1);
    this.#entries = new Map(
      Array.from({ length: clusters }, (_, i): [string, EffectiveCluster] => {
        const ring = ringOf(i, clusters);
        const document: Cluster = {
          apiVersion: 'flotilla.dev/v1alpha1',
          kind: 'Cluster',
          metadata: { name: clusterName(i), labels: { ring, region: `r${i % 50}` } },
          spec: { agent: { publicKeys: [publicKey] } },
        };
        const file = `clusters/${clusterName(i)}.yaml`;
        const read = { document, file, revision: first.oid, invalid: false };
        return [clusterName(i), { ...read, enrolledBy: first, relabelledAt: first.oid }];
      }),
    );
  }

  /** The next commit, which changes all assignments of the placements named. */
  commit(placements: readonly string[]): IndexSnapshot {
    const head = commit(this.#commits.length + 1);
    this.#commits.unshift(head);
    const at = this.#commits.length;
    const strategy = at === 1 ? HASTY : STANDARD;
    const versions = new Map(this.#versions);
    for (const name of placements) {
      const content: Content = { digest: `${name}-${head.oid}`, entryRevision: oid(1) };
      const contents = new Map(Array.from(this.#entries.keys(), (cluster) => [cluster, content]));
      const made: Version = { revision: head.oid, at, contents, authors: [] };
      versions.set(name, [...(versions.get(name) ?? []), made]);
    }
    this.#versions = versions;
    const documents = [...versions].map(([name, all]): [string, EffectivePlacement] => {
      const known = this.#head?.placements.get(name);
      if (known?.versions === all && known.strategy === strategy) return [name, known];
      const document = known?.document ?? {
        apiVersion: 'flotilla.dev/v1alpha1',
        kind: 'Placement',
        metadata: { name },
        spec: { selector: {}, path: `apps/${name}` },
      };
      const read = { document, file: `placements/${name}.yaml`, revision: oid(1), invalid: false };
      return [name, { ...read, versions: all, strategy }];
    });
    const made: IndexSnapshot = {
      repository: { url: 'http://git/fleet.git', branch: 'main' },
      head,
      indexedAt: 0,
      fleetName: 'synthetic',
      fleet: this.#head?.fleet ?? {
        document: {
          apiVersion: 'flotilla.dev/v1alpha1',
          kind: 'Fleet',
          metadata: { name: 'synthetic' },
          spec: { branch: 'main' },
        },
        file: 'flotilla.yaml',
        revision: oid(1),
        invalid: false,
      },
      clusters: this.#entries,
      placements: new Map(documents),
      retired: new Map(),
      access: new Map(),
      assignments: new EverythingEverywhere(this.#entries, versions, this.#head?.assignments),
      unreadable: { clusters: new Set(), placements: new Set() },
      problems: [],
      commits: [...this.#commits],
      commitsById: new Map(this.#commits.map((one) => [one.oid, one])),
      git: { ok: true },
    };
    this.#head = made;
    return made;
  }
}

function commit(number: number): Commit {
  return {
    oid: oid(number),
    tree: oid(number),
    parents: [],
    author: person,
    committer: person,
    message: 'x',
  };
}

class EverythingEverywhere implements Assignments {
  readonly #clusters: ReadonlyMap<string, unknown>;
  readonly #versions: ReadonlyMap<string, readonly Version[]>;
  readonly #before: Assignments | undefined;

  constructor(
    clusters: ReadonlyMap<string, unknown>,
    versions: ReadonlyMap<string, readonly Version[]>,
    before: Assignments | undefined,
  ) {
    this.#clusters = clusters;
    this.#versions = versions;
    this.#before = before;
  }

  get size(): number {
    return this.#clusters.size * this.#versions.size;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  get(key: string): IndexedAssignment | undefined {
    const [cluster = '', placement = ''] = key.split('/');
    const version = this.#versions.get(placement)?.at(-1);
    const content = version?.contents.get(cluster);
    if (!version || !content) return undefined;
    const assignment = { path: `apps/${placement}` };
    return { assignment, version: { revision: version.revision, ...content }, files: 3 };
  }

  *ofCluster(cluster: string) {
    for (const placement of this.#versions.keys())
      yield [placement, this.get(`${cluster}/${placement}`)!] as const;
  }

  *[Symbol.iterator](): MapIterator<[string, IndexedAssignment]> {
    for (const key of this.keys()) yield [key, this.get(key)!];
    return undefined;
  }

  *keys(): MapIterator<string> {
    for (const cluster of this.#clusters.keys())
      for (const placement of this.#versions.keys()) yield `${cluster}/${placement}`;
    return undefined;
  }

  changedSince(before: Assignments): ReadonlySet<string> | undefined {
    return before === this.#before ? new Set(this.#clusters.keys()) : undefined;
  }
}
