import { isDeepStrictEqual } from 'node:util';
import type { FleetFacts } from '#rollouts/facts.ts';
import type { FleetState, Hold, Run } from '#rollouts/state.ts';
import { atOnceHash, atOnceOfAll } from './at-once.ts';
import { contentHash, contentOf, toldOf } from './desired.ts';
import { leavingOf } from './leaving.ts';
import { observedBy } from './observed.ts';
import type { ClusterState, HubFacts, HubState, IndexSnapshot } from './types.ts';

export type Deciding = {
  readonly before: HubState;
  /** As the stage machine has just left it. */
  readonly fleet: FleetState;
  readonly facts: HubFacts;
  readonly fleetFacts: FleetFacts;
  /** Clusters that have more than is known of them. */
  readonly waiting: ReadonlySet<string>;
  readonly now: number;
};

const FIRST: ClusterState = { epoch: 0, issuedAt: 0, headHash: '', head: '', contentHash: '' };

/**
 * The document of a cluster gets a new epoch when its content changes, or when the agent has seen a later one: then this hub
 * has lost state, and is to be obeyed all the same. Before the agent was heard, and all that it reports where it knows more than
 * this hub, nothing becomes due: a document of an old state would be obeyed.
 */
export function decideDocument(cluster: string, deciding: Deciding): ClusterState {
  const { before, facts, now } = deciding;
  const was = before.clusters[cluster];
  const told = facts.heard.get(cluster);
  const isKnown = told !== undefined && !deciding.waiting.has(cluster);
  if (!isKnown && was && was.epoch > 0) return was;
  const content = contentFor(cluster, was ?? FIRST, deciding);
  const { epoch: last, issuedAt } = was ?? FIRST;
  const due = isKnown && (last === 0 || content.contentHash !== was?.contentHash || told > last);
  const numbers = due
    ? { epoch: Math.max(now, last + 1, told + 1), issuedAt: now }
    : { epoch: last, issuedAt };
  const next = { ...numbers, ...content };
  const result = was && isDeepStrictEqual(was, next) ? was : next;
  const basis = decidedFrom.get(content);
  if (basis) decidedFrom.set(result, basis);
  return result;
}

type Content = Omit<ClusterState, 'epoch' | 'issuedAt'>;

/** Everything that the content of a cluster's document follows from, but for those that observe or leave. Hashing it is dear. */
type Basis = {
  readonly entry: unknown;
  readonly atOnce: string;
  readonly hold: Hold | undefined;
  readonly abandoned: IndexSnapshot['abandoned'];
  readonly runs: readonly Run[];
};
const decidedFrom = new WeakMap<Content, Basis>();

function contentFor(cluster: string, was: ClusterState, deciding: Deciding): Content {
  const { before, fleet, facts, fleetFacts, now } = deciding;
  const { index } = facts;
  const gone = (oid: string | undefined) => oid !== undefined && (index.abandoned?.has(oid) ?? false);
  const leaving = leavingOf(cluster, was, before.fleet, facts, now);
  const observed = leaving ? undefined : observedBy(cluster, was.observed, fleet, facts, fleetFacts, now);
  const basis = leaving || observed ? undefined : basisOf(cluster, fleet, facts);
  const known = decidedFrom.get(was);
  if (basis && known && !was.leaving && !was.observed && !gone(was.head) && isSame(known, basis)) {
    const { epoch: _epoch, issuedAt: _issuedAt, ...content } = was;
    decidedFrom.set(content, basis);
    return content;
  }
  const own = { ...(observed && { observed }), ...(leaving && { leaving }) };
  const told = [...new Set([...Object.keys(fleet.lines), ...Object.keys(leaving ?? {})])].flatMap(
    (placement) => {
      const one = toldOf(fleet, { head: '', ...own }, placement, cluster);
      return one ? [{ placement, ...one }] : [];
    },
  );
  const assigned = told.filter(({ digest }) => digest !== null).map(({ placement }) => placement);
  const offBranch = told
    .filter((one) => gone(one.readAt ?? one.revision) || gone(one.entryRevision))
    .map(({ placement }) => placement)
    .sort();
  const headHash = atOnceHash(index, cluster, assigned.sort()) ?? was.headHash;
  const stays = was.headHash === headHash && was.head !== '' && !gone(was.head);
  const decided = {
    headHash,
    head: stays ? was.head : index.head.oid,
    ...own,
    ...(offBranch.length > 0 && { offBranch }),
  };
  const content = { ...decided, contentHash: contentHash(contentOf(fleet, cluster, decided)) };
  if (basis) decidedFrom.set(content, basis);
  return content;
}

function basisOf(cluster: string, { lines, holds }: FleetState, { index }: HubFacts): Basis {
  const runs: Run[] = [];
  for (const placement in lines) {
    const run = lines[placement]!.targets[cluster]?.run;
    if (run && run.phase !== 'removed') runs.push(run);
  }
  const entry = index.clusters.get(cluster)?.document;
  return { entry, atOnce: atOnceOfAll(index), hold: holds[cluster], abandoned: index.abandoned, runs };
}

/** What a run has come to since is not in the document. */
function isSame(a: Basis, b: Basis): boolean {
  return (
    a.entry === b.entry &&
    a.atOnce === b.atOnce &&
    a.hold === b.hold &&
    a.abandoned === b.abandoned &&
    a.runs.length === b.runs.length &&
    a.runs.every((run, at) => saysTheSame(run, b.runs[at]!))
  );
}

const saysTheSame = (a: Run, b: Run): boolean =>
  a === b ||
  (a.attempt === b.attempt &&
    a.digest === b.digest &&
    a.revision === b.revision &&
    a.readAt === b.readAt &&
    a.entryRevision === b.entryRevision);
