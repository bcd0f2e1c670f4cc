import type { Commit } from '#git/objects.ts';
import { kindAt, looksMeant } from '#proto/documents/kinds.ts';
import type { Problem } from '#proto/problems.ts';
import type {
  EffectivePlacement,
  IndexProblem,
  IndexSnapshot,
  Reachability,
  RetiredPlacement,
} from '../core/types.ts';
import { type Indexed, problemsOf } from './indexer.ts';
import { RowReader } from './rows.ts';
import { strategyIn } from './strategies.ts';

const NO_VERSIONS: EffectivePlacement['versions'] = [];

export type Circumstances = {
  readonly repository: IndexSnapshot['repository'];
  readonly indexedAt: number;
  /** First-parent history, newest first. */
  readonly commits: readonly Commit[];
  /** Others, as far as they are here: of those that `namedBy` tells and the snapshot before does not have. */
  readonly olderCommits: readonly Commit[];
  readonly git: Reachability;
  /** Problems of following the repository, besides those in it. */
  readonly faults: readonly Problem[];
  readonly abandoned: ReadonlySet<string>;
};

/** What the index hands out. A problem that stood in the snapshot before keeps its `since`; new ones have `now`. */
export function snapshotOf(
  indexed: Indexed,
  circumstances: Circumstances,
  before: IndexSnapshot | undefined,
  now: number,
): IndexSnapshot {
  const { faults, commits, olderCommits, abandoned, ...rest } = circumstances;
  const { commit, docs, rows, lines } = indexed;
  const since = new Map(before?.problems.map((problem) => [keyOf(problem), problem.since]));
  const problems = new Map<string, IndexProblem>();
  for (const problem of [...problemsOf(indexed), ...faults]) {
    const key = keyOf(problem);
    problems.set(key, { ...problem, since: since.get(key) ?? now });
  }
  const ofDocument = errorsByDocument(problems.values());

  const ofValues = valuesError(problems.values());
  const held = [...lines].flatMap(([name, line]) => (line.held === 'values' ? [name] : []));
  const assignments = new RowReader(
    { rows, lines },
    {
      of({ problem }, cluster, placement) {
        if (problem) return problems.get(keyOf(problem));
        const doubt = lines.get(placement)?.held === 'values' ? ofValues : undefined;
        return doubt ?? ofDocument.get(`Placement/${placement}`) ?? ofDocument.get(`Cluster/${cluster}`);
      },
      shared: JSON.stringify([[...ofDocument], held, held.length > 0 && ofValues]),
    },
  );
  const placements = new Map<string, EffectivePlacement>();
  for (const [name, placement] of docs.placements) {
    const line = lines.get(name);
    placements.set(name, {
      ...placement,
      versions: line?.kept ?? NO_VERSIONS,
      strategy: strategyIn(docs, placement.document),
    });
  }
  const retired = new Map<string, RetiredPlacement>();
  for (const [name, { kept, ...one }] of indexed.retired) retired.set(name, { ...one, versions: kept });

  const commitsById = new Map([...olderCommits, ...commits].map((one) => [one.oid, one]));
  commitsById.set(commit.oid, commit);
  for (const { enrolledBy } of docs.clusters.values()) commitsById.set(enrolledBy.oid, enrolledBy);
  for (const oid of namedBy(indexed)) {
    const known = before?.commitsById.get(oid);
    if (known && !commitsById.has(oid)) commitsById.set(oid, known);
  }
  return {
    ...rest,
    head: commit,
    fleetName: docs.fleet?.document.metadata.name,
    fleet: docs.fleet,
    clusters: docs.clusters,
    placements,
    retired,
    access: docs.access,
    assignments,
    ...(abandoned.size > 0 && { abandoned }),
    unreadable: docs.unreadable,
    problems: [...problems.values()],
    commits,
    commitsById,
  };
}

/** Every revision that names a version, or that an assignment is read at. */
export function* namedBy({ lines, retired }: Indexed): Iterable<string> {
  for (const { kept } of [...lines.values(), ...retired.values()])
    for (const { revision } of kept) yield revision;
  for (const { kept } of lines.values())
    for (const { revision, entryRevision } of kept.at(-1)?.contents.apart.values() ?? []) {
      yield entryRevision;
      if (revision !== undefined) yield revision;
    }
}

/** The first error of each document, by kind and name. */
function errorsByDocument(problems: Iterable<IndexProblem>): Map<string, IndexProblem> {
  const found = new Map<string, IndexProblem>();
  for (const problem of problems) {
    const { severity, cluster, placement } = problem;
    if (severity !== 'error' || (cluster !== undefined && placement !== undefined)) continue;
    const key = placement !== undefined ? `Placement/${placement}` : `Cluster/${cluster}`;
    if (!found.has(key)) found.set(key, problem);
  }
  return found;
}

/** The first error of a Values document; of a file elsewhere that says it is one, if there is no other. */
function valuesError(problems: Iterable<IndexProblem>): IndexProblem | undefined {
  const errors = [...problems].filter(
    ({ severity, cluster, placement }) => severity === 'error' && !cluster && !placement,
  );
  const inFolder = ({ source: { file } }: IndexProblem) => (kindAt(file) ?? looksMeant(file)) === 'Values';
  return errors.find(inFolder) ?? errors[0];
}

const keyOf = ({ code, message, source, cluster, placement }: Problem) =>
  JSON.stringify([code, message, source.file, cluster, placement]);
