import type { Commit } from '#git/objects.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { Placement } from '#proto/documents/placement.ts';
import type { AgentEvent, FieldDrift, Heartbeat, Hello, ObjectStatus, Status } from '#proto/messages.ts';
import type { Labels } from '#proto/selector.ts';
import { strategyOf } from '#proto/stages.ts';
import { EMPTY_LINE, type Line, type Run, type Target } from '#rollouts/state.ts';
import { AssignmentMap } from '../../testing/assignment-map.ts';
import {
  assignmentKey,
  type EffectiveCluster,
  type EffectivePlacement,
  EMPTY_STATE,
  type HubState,
  type IndexProblem,
  type IndexSnapshot,
} from '../../types.ts';
import { ReadModel, type ViewOptions } from '../../view.ts';

/** A fleet for tests of the read model and of everything that reads it, told in a few words. */
export const START = Date.parse('2026-05-03T10:00:00Z');
export const iso = (time: number) => new Date(time).toISOString();
/** The same word is always the same object id. */
export const oid = (word: string): string => Buffer.from(word.padEnd(20, '.')).toString('hex').slice(0, 40);
export const KEY = 'UD6DHURYBP4FNCDKPAY57HKTAJSD5CZ4E6MHSZDJGCBVGYJV5UMOCZ7D';

/** Commits are a minute apart, the first of `words` (the head) a minute before START. */
function commits(words: readonly string[]): Commit[] {
  return words.map((word, index) => {
    const person = { name: 'Ada', email: 'ada@example.com', at: START / 1_000 - 60 * (index + 1) };
    return {
      oid: oid(word),
      tree: oid(`t-${word}`),
      parents: [],
      author: person,
      committer: person,
      message: `${word}\n\nwhy`,
    };
  });
}

export type Told = {
  clusters: Readonly<Record<string, { labels?: Labels; spec?: Partial<Cluster['spec']> }>>;
  /** Placement → what it is; `on` defaults to every cluster. */
  placements?: Readonly<
    Record<string, { on?: readonly string[]; labels?: Labels; spec?: Partial<Placement['spec']> }>
  >;
  /** Newest first. */
  history?: readonly string[];
  problems?: readonly IndexProblem[];
  /** Assignments (`cluster/placement`) that cannot be resolved, and why. */
  broken?: Readonly<Record<string, IndexProblem>>;
};

export function snapshot({
  clusters,
  placements = {},
  history = ['head', 'first'],
  problems = [],
  broken = {},
}: Told) {
  const all = commits(history);
  const head = all[0]!;
  const first = all.at(-1)!;
  const effective = { revision: head.oid, invalid: false };
  const indexedPlacements = new Map<string, EffectivePlacement>();
  const assignments = new AssignmentMap();
  for (const [name, { on = Object.keys(clusters), labels = {}, spec = {} }] of Object.entries(placements)) {
    const document: Placement = {
      apiVersion: 'flotilla.dev/v1alpha1',
      kind: 'Placement',
      metadata: { name, labels },
      spec: { selector: {}, path: `apps/${name}`, owner: `${name}@acme.example`, ...spec },
    };
    indexedPlacements.set(name, {
      ...effective,
      document,
      file: `placements/${name}.yaml`,
      versions: [],
      strategy: strategyOf(undefined),
    });
    for (const cluster of on) {
      const key = assignmentKey(cluster, name);
      const problem = broken[key];
      assignments.set(key, {
        assignment: problem ? undefined : { path: `apps/${name}`, namespace: name },
        version: problem
          ? undefined
          : { revision: head.oid, entryRevision: head.oid, digest: digestOf(name, head) },
        files: 3,
        ...(problem && { problem }),
      });
    }
  }
  const indexed: IndexSnapshot = {
    repository: { url: 'https://git.acme.example/fleet', branch: 'main' },
    head,
    indexedAt: START,
    fleetName: 'acme',
    fleet: undefined,
    clusters: new Map(
      Object.entries(clusters).map(([name, { labels = {}, spec = {} }]): [string, EffectiveCluster] => [
        name,
        {
          ...effective,
          document: {
            apiVersion: 'flotilla.dev/v1alpha1',
            kind: 'Cluster',
            metadata: { name, labels },
            spec: { agent: { publicKeys: [KEY] }, ...spec },
          },
          file: `clusters/${name}.yaml`,
          enrolledBy: first,
          relabelledAt: first.oid,
        },
      ]),
    ),
    placements: indexedPlacements,
    retired: new Map(),
    access: new Map(),
    assignments,
    abandoned: new Set(),
    unreadable: { clusters: new Set(), placements: new Set() },
    problems: [...problems, ...Object.values(broken)],
    commits: all,
    commitsById: new Map(all.map((one) => [one.oid, one])),
    git: { ok: true, lastOkAt: START },
  };
  return indexed;
}

export const digestOf = (placement: string, { oid }: { oid: string }) => `${placement}-${oid.slice(0, 8)}`;

/** What the hub has decided: every assignment of the snapshot at its version, as attempt `attempt`. */
export function decided(
  index: IndexSnapshot,
  attempt: number,
  more: (cluster: string, placement: string) => Partial<Run> = () => ({}),
): HubState {
  const lines: Record<string, Line> = {};
  for (const [key, { version }] of index.assignments) {
    if (!version) continue;
    const [cluster, placement] = key.split('/') as [string, string];
    const line = lines[placement] ?? EMPTY_LINE;
    const run = {
      ...version,
      attempt,
      purpose: 'rollout',
      phase: 'published',
      publishedHub: 0,
      ...more(cluster, placement),
    } as const;
    const target = { stage: 'all', state: 'Waiting', since: START, run } as const;
    lines[placement] = { ...line, targets: { ...line.targets, [cluster]: target } };
  }
  return withLines(EMPTY_STATE, lines);
}

export const withLines = (state: HubState, lines: HubState['fleet']['lines']): HubState => ({
  ...state,
  fleet: { ...state.fleet, lines: { ...state.fleet.lines, ...lines } },
});

/** One target of a line, told to remove what it has, at the head. */
export function leaving(line: Line, cluster: string, more: Partial<Target> = {}): Line {
  const { run, ...target } = line.targets[cluster]!;
  const removal = { ...run!, revision: oid('head'), digest: null };
  return { ...line, targets: { [cluster]: { ...target, run: removal, ...more } } };
}

let seq = 0;
export type StatusTold = Partial<Omit<Status, 'sync' | 'drift' | 'health'>> & {
  sync?: [Status['sync']['state'], string?];
  drift?: [Status['drift']['state'], string?];
  health?: [Status['health']['state'], string?];
};

/** A healthy report, but for what is told otherwise. */
export function status(cluster: string, placement: string, told: StatusTold = {}): Status {
  const at = told.at ?? iso(START);
  const axis = <S extends string>([state, reason]: [S, string?]) => ({
    state,
    since: at,
    ...(reason && { reason }),
  });
  const version = { revision: oid('head'), digest: digestOf(placement, { oid: oid('head') }) };
  const { sync = ['SYNCED'], drift = ['NONE'], health = ['CURRENT'], ...rest } = told;
  return {
    v: 1,
    cluster,
    placement,
    seq: ++seq,
    at,
    epoch: 1,
    attempt: 1,
    attempted: version,
    applied: version,
    sync: axis(sync),
    drift: axis(drift),
    health: axis(health),
    counts: { objects: 1, created: 0, configured: 0, unchanged: 1, pruned: 0, skipped: 0, failed: 0 },
    objects: [deployment()],
    drifts: [],
    truncated: { objects: 0, drifts: 0 },
    faults: [],
    ...rest,
  };
}

export const deployment = (more: Partial<ObjectStatus> = {}): ObjectStatus => ({
  id: 'apps/Deployment/shop/web',
  apiVersion: 'apps/v1',
  action: 'unchanged',
  health: 'CURRENT',
  assessed: true,
  drift: 'NONE',
  images: ['registry.acme.example:5000/shop/web:1.4.2'],
  source: 'apps/shop/deployment.yaml',
  ...more,
});

export const drifted = (more: Partial<FieldDrift> = {}): FieldDrift => ({
  id: 'apps/Deployment/shop/web',
  apiVersion: 'apps/v1',
  kind: 'CHANGED',
  path: '/spec/replicas',
  desired: 3,
  live: 1,
  manager: 'kubectl-edit',
  operation: 'Update',
  changedAt: iso(START),
  firstSeen: iso(START),
  redacted: false,
  healable: true,
  fight: false,
  ...more,
});

export const hello = (cluster: string, more: Partial<Hello> = {}): Hello => ({
  v: 1,
  cluster,
  key: KEY,
  at: iso(START),
  epoch: 1,
  statusHash: '',
  facts: { kubernetesVersion: 'v1.36.3', agentVersion: '0.1.0', nodeCount: 3 },
  ...more,
});

export const heartbeat = (cluster: string, faults: Heartbeat['faults'] = []): Heartbeat => ({
  v: 1,
  cluster,
  at: iso(START),
  epoch: 1,
  statusHash: '',
  faults,
});

export const event = (cluster: string, more: Partial<AgentEvent> = {}): AgentEvent => ({
  v: 1,
  cluster,
  type: 'APPLY_SUCCEEDED',
  at: iso(START),
  placement: 'shop',
  revision: oid('head'),
  message: `applied on ${cluster}`,
  ...more,
});

/** A read model of the told fleet, everything decided as attempt 1, connected to its bus. */
export function viewOf(told: Told, options: Partial<ViewOptions> = {}): ReadModel {
  const view = new ReadModel({ startedAt: START, ...options });
  const index = snapshot(told);
  view.setBus({ ok: true, lastOkAt: START });
  view.setIndex(index);
  view.setState(decided(index, 1), undefined);
  return view;
}
