import type { Labels } from '#proto/selector.ts';
import type { Reachability } from '../../core/types.ts';
import type { StatusView } from '../../core/view/headline.ts';
import type { ApiContext } from '../context.ts';

export type Resolver<S, A = unknown> = (source: S, args: A, context: ApiContext) => unknown;

export const listLabels = (labels: Labels = {}, keys?: readonly string[] | null) =>
  Object.keys(labels)
    .filter((key) => !keys || keys.includes(key))
    .sort()
    .map((key) => ({ key, value: labels[key]! }));

export const location = ({
  file,
  line,
  column,
}: {
  file: string;
  line?: number | undefined;
  column?: number | undefined;
}) => ({ path: file, line, column });

/** A revision by its object id; its commit is looked up only when asked for. */
export const revision = (oid: string, { view }: ApiContext) => ({
  oid,
  shortOid: oid.slice(0, 7),
  commit: () => view.index?.commitsById.get(oid),
});

/** `AwaitingApproval` as the API says it: AWAITING_APPROVAL. */
export const wordOf = (name: string): string => name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();

export const reachability = ({ ok, lastOkAt, message }: Reachability) => ({ ok, lastOkAt, message });

/** The status of a cluster, or of something on it. */
export function statusOf(status: StatusView, cluster: string, { view }: ApiContext) {
  const observedAt = view.observedAt(cluster);
  const axis = (name: 'connectivity' | 'sync' | 'drift' | 'health') => ({
    name: name.toUpperCase(),
    state: status[name].state,
    reason: status[name].reason,
    since: status[name].since,
    observedAt,
  });
  return {
    headline: status.headline.state,
    reason: status.headline.reason,
    connectivity: status.connectivity.state,
    sync: status.sync.state,
    drift: status.drift.state,
    health: status.health.state,
    since: status.headline.since,
    observedAt,
    axes: [axis('connectivity'), axis('sync'), axis('drift'), axis('health')],
  };
}
