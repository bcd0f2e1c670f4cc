import { FlotillaError } from '#proto/faults.ts';
import { type AppliedCounts, applyId } from '../../core/audit-entry.ts';
import { type ApplyRow, type AuditPage, type AuditRow, HUB_ACTOR } from '../../core/audit-reader.ts';
import type { AssignmentRow } from '../../core/view/assignment.ts';
import { MOST_PER_PAGE, type Order } from '../../core/view/paging.ts';
import { connect, type PageArguments } from '../connection.ts';
import type { ApiContext } from '../context.ts';
import { idOf, readId } from '../ids.ts';
import { type Resolver, revision } from './shared.ts';

type Times = { since?: number | null; until?: number | null };
type LogArguments = PageArguments & Times & { actor?: string | null; action?: readonly string[] | null };
type HistoryArguments = PageArguments & { cluster: string; placement?: string | null };

const newestApplies: Order<ApplyRow> = {
  name: 'history',
  keys: ({ sequence }) => [sequence],
  descending: true,
};

async function auditLog(
  { since, until, actor, action, first, after }: LogArguments,
  context: ApiContext,
): Promise<object> {
  if (!Number.isInteger(first) || first < 1 || first > MOST_PER_PAGE)
    throw new FlotillaError('hub-refused', `first must be 1 to ${MOST_PER_PAGE}, not ${first}`);
  const question = {
    first,
    before: after == null ? undefined : sequenceOf(after),
    since: since ?? undefined,
    until: until ?? undefined,
    actor: actor ?? undefined,
    actions: action ?? undefined,
  };
  const page = await reading(context, (signal) => context.audit.audit(question, signal));
  return connectionOf(page, after != null);
}

/** Where the page ends is not where its last row is: what was looked at and not asked for is behind it, too. */
function connectionOf({ rows, next }: AuditPage, hasPreviousPage: boolean) {
  const edges = rows.map((node) => ({ cursor: cursorOf(node.sequence), node }));
  return {
    edges,
    nodes: rows,
    pageInfo: {
      hasNextPage: next !== undefined,
      hasPreviousPage,
      startCursor: edges[0]?.cursor,
      endCursor: next === undefined ? edges.at(-1)?.cursor : cursorOf(next),
    },
  };
}

const cursorOf = (sequence: number) => idOf('AuditEntry', String(sequence));

function sequenceOf(cursor: string): number {
  const read = readId(cursor);
  const sequence = read?.type === 'AuditEntry' ? Number(read.parts[0]) : Number.NaN;
  if (!Number.isSafeInteger(sequence) || sequence < 1)
    throw new FlotillaError('hub-refused', 'after is no cursor of this list');
  return sequence;
}

/** Reads from the stream for as long as a query may take. */
async function reading<T>(
  { time, closing }: ApiContext,
  read: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = AbortSignal.any([closing, AbortSignal.timeout(Math.max(1, Math.ceil(time.left)))]);
  try {
    return await read(limit);
  } catch (error) {
    if (limit.aborted) throw time.isOver();
    throw error;
  }
}

const history = async ({ cluster, placement, ...page }: HistoryArguments, context: ApiContext) =>
  connect(await rowsOf(cluster, placement ?? undefined, context), newestApplies, page, context);

function rowsOf(cluster: string, placement: string | undefined, context: ApiContext): Promise<ApplyRow[]> {
  for (const name of [cluster, placement ?? cluster])
    if (!/^[-a-z0-9]{1,63}$/.test(name))
      throw new FlotillaError('hub-refused', `${JSON.stringify(name)} is no name of a cluster or placement`);
  return reading(context, (signal) => context.audit.history(cluster, placement, signal));
}

/** What a cluster ran at a moment: of each placement the newest attempt that had succeeded by then. */
async function ranAt({ cluster, at }: { cluster: string; at: number }, context: ApiContext) {
  const rows = await rowsOf(cluster, undefined, context);
  const then = rows.filter(
    ({ result, endedAt }) => endedAt <= at && (result === 'current' || result === 'removed'),
  );
  const newest = Map.groupBy(then, ({ placement }) => placement);
  return [...newest.values()]
    .map(([row]) => row!)
    .filter(({ result }) => result === 'current')
    .sort((a, b) => (a.placement < b.placement ? -1 : 1));
}

const Query = {
  auditLog: ((_, args, context) => auditLog(args, context)) as Resolver<unknown, LogArguments>,
  history: ((_, args, context) => history(args, context)) as Resolver<unknown, HistoryArguments>,
  ranAt: ((_, args, context) => ranAt(args, context)) as Resolver<unknown, { cluster: string; at: number }>,
};

const Assignment = {
  history: (({ cluster, placement }, page, context) =>
    history({ cluster, placement, ...page }, context)) as Resolver<AssignmentRow, PageArguments>,
};

type OfEntry = Resolver<AuditRow>;
const AuditEntry = {
  id: (({ sequence }) => cursorOf(sequence)) as OfEntry,
  kind: (({ kind }) => kind.toUpperCase()) as OfEntry,
  actor: (({ by }) => ({ name: by ?? HUB_ACTOR })) as OfEntry,
  groups: (({ groups }) => groups ?? []) as OfEntry,
  revision: (({ revision: oid }, _, context) => oid && revision(oid, context)) as OfEntry,
  clusterCount: (({ count }) => count) as OfEntry,
  clusters: (({ clusters }) => clusters ?? []) as OfEntry,
};

const NO_COUNTS: Partial<AppliedCounts> = {};
type OfApply = Resolver<ApplyRow>;
const Apply = {
  id: ((apply) => idOf('Apply', applyId(apply))) as OfApply,
  version: (({ digest, revision: oid }, _, context) =>
    digest === null ? undefined : { revision: revision(oid, context), digest }) as OfApply,
  revision: (({ revision: oid }, _, context) => revision(oid, context)) as OfApply,
  purpose: (({ purpose }) => purpose.toUpperCase().replace('-', '_')) as OfApply,
  attempt: (({ attempt }) => String(attempt)) as OfApply,
  finishedAt: (({ endedAt }) => endedAt) as OfApply,
  result: (({ result }) => result.toUpperCase()) as OfApply,
  created: (({ counts = NO_COUNTS }) => counts.created) as OfApply,
  configured: (({ counts = NO_COUNTS }) => counts.configured) as OfApply,
  pruned: (({ counts = NO_COUNTS }) => counts.pruned) as OfApply,
  failed: (({ counts = NO_COUNTS }) => counts.failed) as OfApply,
};

export const auditResolvers = { Query, Assignment, AuditEntry, Apply };
