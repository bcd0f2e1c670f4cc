import { FlotillaError } from '#proto/faults.ts';
import { countStatuses } from '../../core/view/facets.ts';
import { type ClusterFilter, clusterTest } from '../../core/view/filters.ts';
import type { Headline } from '../../core/view/headline.ts';
import type { ReadModel } from '../../core/view.ts';
import { conflate } from '../conflate.ts';
import type { ApiContext } from '../context.ts';
import { rolloutNamed } from './rollout.ts';

const MOST_SUBSCRIPTIONS = 500;
const SUMMARY_EVERY_MS = 1_000;
const ROLLOUT_EVERY_MS = 500;
type Filter = { filter?: ClusterFilter | null };
/** Changes of one cluster that nobody has read: the number of the first, and the headline before it. */
type Unread = { readonly version: number; readonly previousHeadline: Headline | undefined };

function refuseMoreReaders({ changes, rollouts }: ReadModel): void {
  if (changes.listeners + rollouts.listeners >= MOST_SUBSCRIPTIONS) {
    throw new FlotillaError('hub-refused', `hub has ${MOST_SUBSCRIPTIONS} subscriptions, and takes no more`);
  }
}

function fleetSummary(_: unknown, { filter }: Filter, { view, closing, time }: ApiContext) {
  refuseMoreReaders(view);
  const test = clusterTest(filter);
  let told = '';
  return conflate<'summary', true, object>(
    (push) => {
      push('summary', true);
      return view.onChange(() => push('summary', true));
    },
    {
      merge: () => true,
      least: SUMMARY_EVERY_MS,
      signal: closing,
      emit: () => {
        time.restart();
        const rows = view.clusters().filter(test);
        const statusCounts = countStatuses(rows);
        const now = JSON.stringify([rows.length, statusCounts]);
        if (now === told) return undefined;
        told = now;
        return { fleetSummary: { statusCounts, totalCount: rows.length, at: view.now } };
      },
    },
  );
}

function clusterChanges(
  _: unknown,
  { filter, after }: Filter & { after?: string | null },
  { view, closing, time }: ApiContext,
) {
  refuseMoreReaders(view);
  const test = clusterTest(filter);
  const missed = after == null ? undefined : missedSince(view, after);
  // Whom the reader may believe to be in its list: only those are told to have left it.
  const listed = new Set(
    missed
      ? missed.keys()
      : view
          .clusters()
          .filter(test)
          .map(({ name }) => name),
  );
  return conflate<string, Unread, object>(
    (push) => {
      for (const [name, version] of missed ?? []) push(name, { version, previousHeadline: undefined });
      return view.onChange(({ name, previousHeadline }) =>
        push(name, { version: view.changes.version, previousHeadline }),
      );
    },
    {
      merge: (unread) => unread,
      signal: closing,
      emit: (name, { previousHeadline }, pending) => {
        time.restart();
        const row = view.cluster(name);
        const cluster = row && test(row) ? row : undefined;
        const left = listed.delete(name);
        if (cluster) listed.add(name);
        else if (!left) return undefined;
        const [oldest] = pending.values();
        const reached = oldest ? oldest.version - 1 : view.changes.version;
        return { clusterChanges: { cursor: writeCursor(view, reached), name, cluster, previousHeadline } };
      },
    },
  );
}

/** Names that changed or left since a cursor, oldest change first; every cluster where that cannot be known. */
function missedSince(view: ReadModel, after: string): Map<string, number> {
  const version = readCursor(view, after);
  const gone = version === undefined ? undefined : view.changes.goneSince(version);
  const changed = view
    .clusters()
    .filter((row) => gone === undefined || row.version > version!)
    .map((row) => [row.name, row.version] as const);
  return new Map([...(gone ?? []), ...changed].sort(([, a], [, b]) => a - b));
}

const writeCursor = ({ startedAt }: ReadModel, version: number) =>
  Buffer.from(JSON.stringify(['changes', startedAt, version])).toString('base64url');

/** Undefined for a cursor of another hub process. */
function readCursor({ startedAt }: ReadModel, cursor: string): number | undefined {
  try {
    const [what, boot, version] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (what === 'changes' && Number.isInteger(version)) {
      return boot === startedAt ? (version as number) : undefined;
    }
  } catch (cause) {
    throw new FlotillaError('hub-refused', 'after is not a cursor', { cause });
  }
  throw new FlotillaError('hub-refused', 'after is no cursor of clusterChanges');
}

function rollout(_: unknown, { id }: { id: string }, context: ApiContext) {
  const { view, closing, time } = context;
  refuseMoreReaders(view);
  const first = rolloutNamed(id, context);
  if (!first) throw new FlotillaError('hub-refused', 'id names no rollout that the hub knows');
  const { placement, version } = first;
  return conflate<'rollout', true, object>(
    (push) => {
      push('rollout', true);
      return view.rollouts.listen((placements) => {
        if (placements.has(placement)) push('rollout', true);
      });
    },
    {
      merge: () => true,
      least: ROLLOUT_EVERY_MS,
      signal: closing,
      emit: () => {
        time.restart();
        const row = view.rollouts.rollout(placement, version);
        return row && { rollout: row };
      },
    },
  );
}

export const subscriptionResolvers = {
  Subscription: {
    fleetSummary: { subscribe: fleetSummary },
    clusterChanges: { subscribe: clusterChanges },
    rollout: { subscribe: rollout },
  },
};
