import type { Commit } from '#git/objects.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { CommittedApproval } from '#proto/documents/common.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import type { Placement } from '#proto/documents/placement.ts';
import { createNkey } from '#proto/nkey.ts';
import { strategyOf } from '#proto/stages.ts';
import type { Content, Version } from '#rollouts/facts.ts';
import { toldOf } from '../desired.ts';
import {
  type AgentReport,
  assignmentKey,
  type EffectiveCluster,
  type EffectivePlacement,
  type HubFacts,
  type HubState,
  type IndexSnapshot,
  type RetiredPlacement,
} from '../types.ts';
import { AssignmentMap } from './assignment-map.ts';

/** Index snapshots and statuses for tests of decisions, from the little that such a test is about. */
export type Told = {
  /** A short word that stands for a commit; the object id is made from it. */
  head: string;
  clusters: Record<
    string,
    { invalid?: boolean; mode?: 'enforce' | 'observe'; decommission?: 'prune' | 'orphan' } | undefined
  >;
  /** Placement → its version and cluster → digest, or the digest with where it is read. */
  placements: Record<
    string,
    {
      version: string;
      invalid?: boolean;
      drift?: 'correct' | 'report';
      approvals?: CommittedApproval[];
      digests: Record<string, Digest | undefined>;
    }
  >;
  noFleet?: boolean;
  unreadable?: { clusters?: string[]; placements?: string[] };
  abandoned?: string[];
  /** Placements that were deleted at this head. */
  retired?: string[];
  /** `guards.maxAssignmentsRemoved` and the approvals of flotilla.yaml. */
  mostRemoved?: string;
  approvals?: (CommittedApproval & { placement: string })[];
};
type Digest = string | { digest: string; revision: string; entryRevision: string } | { unresolved: true };

/** The same word is always the same object id. */
export const oid = (word: string): string => Buffer.from(word.padEnd(20, '.')).toString('hex').slice(0, 40);

const KEY = createNkey('user').publicKey;
const person = { name: 'Ada', email: 'ada@example.com', at: 1 };

function commit(word: string): Commit {
  return {
    oid: oid(word),
    tree: oid(`t${word}`),
    parents: [],
    author: person,
    committer: person,
    message: word,
  };
}

const STRATEGY = strategyOf(undefined);

const placementNamed = (name: string, more: Partial<Placement['spec']> = {}): Placement => ({
  apiVersion: 'flotilla.dev/v1alpha1',
  kind: 'Placement',
  metadata: { name },
  spec: { selector: {}, path: 'apps', ...more },
});

export function snapshot(told: Told): IndexSnapshot {
  const head = commit(told.head);
  const clusters = new Map<string, EffectiveCluster>();
  for (const [name, options] of Object.entries(told.clusters)) {
    if (!options) continue;
    const document: Cluster = {
      apiVersion: 'flotilla.dev/v1alpha1',
      kind: 'Cluster',
      metadata: { name },
      spec: {
        agent: { publicKeys: [KEY] },
        ...(options.mode && { mode: options.mode }),
        ...(options.decommission && { decommission: options.decommission }),
      },
    };
    clusters.set(name, {
      document,
      file: `clusters/${name}.yaml`,
      revision: head.oid,
      invalid: options.invalid ?? false,
      enrolledBy: head,
      relabelledAt: head.oid,
    });
  }
  const placements = new Map<string, EffectivePlacement>();
  const assignments = new AssignmentMap();
  for (const [name, { version, invalid = false, drift, approvals, digests }] of Object.entries(
    told.placements,
  )) {
    const document = placementNamed(name, {
      ...(drift && { drift: { mode: drift } }),
      ...(approvals && { approvals }),
    });
    const contents = new Map<string, Content>();
    const made: Version = { revision: oid(version), at: 1, contents, authors: [] };
    placements.set(name, {
      document,
      file: `placements/${name}.yaml`,
      revision: head.oid,
      invalid,
      versions: [made],
      strategy: STRATEGY,
    });
    for (const [cluster, digest] of Object.entries(digests)) {
      if (digest === undefined || !clusters.has(cluster)) continue;
      const at = typeof digest === 'string' ? { digest, revision: version, entryRevision: version } : digest;
      const read =
        'unresolved' in at
          ? undefined
          : { digest: at.digest, revision: oid(at.revision), entryRevision: oid(at.entryRevision) };
      assignments.set(assignmentKey(cluster, name), { assignment: undefined, version: read, files: 1 });
      if (!read) continue;
      const { revision, ...content } = read;
      contents.set(cluster, { ...content, ...(revision !== oid(version) && { revision }) });
    }
  }
  const retired = new Map<string, RetiredPlacement>();
  for (const name of told.retired ?? []) {
    const version: Version = { revision: head.oid, at: 2, contents: new Map(), authors: [] };
    const document = placementNamed(name);
    retired.set(name, {
      document,
      file: `placements/${name}.yaml`,
      versions: [version],
      strategy: STRATEGY,
    });
  }
  const fleet: Fleet = {
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'Fleet',
    metadata: { name: 'acme' },
    spec: {
      branch: 'main',
      ...(told.mostRemoved && { guards: { maxAssignmentsRemoved: told.mostRemoved } }),
      ...(told.approvals && { approvals: told.approvals }),
    },
  };
  return {
    repository: { url: 'http://git/fleet.git', branch: 'main' },
    head,
    indexedAt: 0,
    fleetName: 'acme',
    fleet: told.noFleet
      ? undefined
      : { document: fleet, file: 'flotilla.yaml', revision: head.oid, invalid: false },
    clusters,
    placements,
    retired,
    access: new Map(),
    assignments,
    unreadable: {
      clusters: new Set(told.unreadable?.clusters),
      placements: new Set(told.unreadable?.placements),
    },
    problems: [],
    commits: [head],
    commitsById: new Map([[head.oid, head]]),
    ...(told.abandoned && { abandoned: new Set(told.abandoned.map(oid)) }),
    git: { ok: true },
  };
}

/** Facts with every cluster of the index heard at epoch 0, unless told otherwise. */
export function factsOf(index: IndexSnapshot, more: Partial<HubFacts> = {}): HubFacts {
  const heard = new Map([...index.clusters.keys()].map((name) => [name, 0]));
  const nothing = { reports: new Map(), unreachable: new Set<string>(), answers: new Map() };
  return { index, heard, ...nothing, counting: true, isWhole: () => true, ...more };
}

/** Every agent says that it has done what it was told. */
export function reportsOf(state: HubState, more: Partial<AgentReport> = {}): HubFacts['reports'] {
  const reports = new Map<string, Map<string, AgentReport>>();
  const clusters = new Set([
    ...Object.keys(state.clusters),
    ...Object.values(state.fleet.lines).flatMap(({ targets }) => Object.keys(targets)),
  ]);
  for (const cluster of clusters) {
    const own = state.clusters[cluster];
    for (const placement of new Set([
      ...Object.keys(state.fleet.lines),
      ...Object.keys(own?.leaving ?? {}),
    ])) {
      const told = toldOf(state.fleet, own, placement, cluster);
      if (!told) continue;
      const { attempt, digest } = told;
      const done = digest === null ? { phase: 'removed' as const } : { phase: 'current' as const, digest };
      const of = reports.get(placement) ?? new Map<string, AgentReport>();
      reports.set(placement, of.set(cluster, { attempt, ...done, ...more }));
    }
  }
  return reports;
}

export const runOf = (state: HubState, cluster: string, placement = 'shop') =>
  state.fleet.lines[placement]?.targets[cluster]?.run;
