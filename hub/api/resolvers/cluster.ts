import type { ClusterRow } from '../../core/view/cluster.ts';
import type { EventRow } from '../../core/view/events.ts';
import { countStatuses, facetOf } from '../../core/view/facets.ts';
import { type AssignmentFilter, type ResourceFilter, resourceTest } from '../../core/view/filters.ts';
import { driftsOf, resourcesOf } from '../../core/view/resources.ts';
import { refuseMore } from '../arguments.ts';
import { type Connection, connect, type PageArguments } from '../connection.ts';
import { idOf } from '../ids.ts';
import { driftsByName, newestEvents, resourcesByName } from '../orders.ts';
import { assignmentConnection } from './assignment.ts';
import { listLabels, location, type Resolver, revision, statusOf } from './shared.ts';

type Of<A = unknown> = Resolver<ClusterRow, A>;
const MOST_FACETS = 10;

const Cluster = {
  id: (({ name }) => idOf('Cluster', name)) as Of,
  labels: (({ labels }, { keys }) => listLabels(labels, keys)) as Of<{ keys?: readonly string[] | null }>,
  mode: (({ entry }) => (entry.document.spec.mode ?? 'enforce').toUpperCase()) as Of,
  status: (({ status, name }, _, context) => statusOf(status, name, context)) as Of,
  assignments: ((row, args, context) => assignmentConnection(row.assignments, args, context)) as Of<
    PageArguments & { filter?: AssignmentFilter | null }
  >,
  removals: (({ removals }, _, context) =>
    removals.map((removal) => ({ ...removal, revision: revision(removal.revision, context) }))) as Of,
  resources: (({ assignments }, { filter, ...page }, context) =>
    connect(
      assignments.flatMap(resourcesOf).filter(resourceTest(filter)),
      resourcesByName,
      page,
      context,
    )) as Of<PageArguments & { filter?: ResourceFilter | null }>,
  drift: (({ assignments }, page, context) =>
    connect(assignments.flatMap(driftsOf), driftsByName, page, context)) as Of<PageArguments>,
  events: (({ name }, { types, ...page }, context) =>
    connect(
      context.view
        .events()
        .rows()
        .filter(({ event }: EventRow) => event.cluster === name && (!types || types.includes(event.type))),
      newestEvents,
      page,
      context,
    )) as Of<PageArguments & { types?: readonly string[] | null }>,
  entry: (({ entry }) => location(entry)) as Of,
  enrollment: (({ entry, name }, _, { view }) => ({
    publicKeys: entry.document.spec.agent.publicKeys,
    enrolledBy: entry.enrolledBy,
    lastConnectedAt: view.observedAt(name),
  })) as Of,
};

const ClusterConnection = {
  facets: (({ rows }, { keys }, { time }) => {
    refuseMore('keys', keys, MOST_FACETS);
    return keys.map((key) => {
      time.check();
      return facetOf(rows, key);
    });
  }) as Resolver<Connection<ClusterRow>, { keys: readonly string[] }>,
  statusCounts: (({ rows }) => countStatuses(rows)) as Resolver<Connection<ClusterRow>>,
};

export const clusterResolvers = { Cluster, ClusterConnection };
