import type { Commit } from '#git/objects.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { CommittedApproval } from '#proto/documents/common.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import type { Placement } from '#proto/documents/placement.ts';
import { createNkey } from '#proto/nkey.ts';
import { strategyOf } from '#proto/stages.ts';
import {
  assignmentKey,
  type EffectiveCluster,
  type EffectivePlacement,
  type HubFacts,
  type IndexSnapshot,
  type StatusFacts,
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
  /** `guards.maxAssignmentsRemoved` and the approvals of flotilla.yaml. */
  mostRemoved?: string;
  approvals?: (CommittedApproval & { placement: string })[];
};
type Digest = string | { digest: string; revision: string; entryRevision: string } | { unresolved: true };

/** The same word is always the same object id. */
export const oid = (word: string): string => Buffer.from(word.padEnd(20, '.')).toString('hex').slice(0, 40);

const KEY = createNkey('user').publicKey;
const person = { name: 'Ada', email: 'ada@example.com', at: 1 };

export function commit(word: string): Commit {
  return {
    oid: oid(word),
    tree: oid(`t${word}`),
    parents: [],
    author: person,
    committer: person,
    message: word,
  };
}

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
    const document: Placement = {
      apiVersion: 'flotilla.dev/v1alpha1',
      kind: 'Placement',
      metadata: { name },
      spec: {
        selector: {},
        path: 'apps',
        ...(drift && { drift: { mode: drift } }),
        ...(approvals && { approvals }),
      },
    };
    placements.set(name, {
      document,
      file: `placements/${name}.yaml`,
      revision: head.oid,
      invalid,
      version: oid(version),
      versions: [],
      strategy: strategyOf(undefined),
    });
    for (const [cluster, digest] of Object.entries(digests)) {
      if (digest === undefined || !clusters.has(cluster)) continue;
      const at = typeof digest === 'string' ? { digest, revision: version, entryRevision: version } : digest;
      const read =
        'unresolved' in at
          ? undefined
          : { digest: at.digest, revision: oid(at.revision), entryRevision: oid(at.entryRevision) };
      assignments.set(assignmentKey(cluster, name), { assignment: undefined, version: read, files: 1 });
    }
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
    retired: new Map(),
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
  return { index, heard, statuses: new Map(), offline: new Set(), ...more };
}

export function status(more: Partial<StatusFacts>): StatusFacts {
  return {
    seq: 1,
    epoch: 1,
    attempt: 0,
    sync: 'SYNCED',
    health: 'CURRENT',
    appliedDigest: undefined,
    removed: false,
    ...more,
  };
}
