import type { EventRow } from '../../core/view/events.ts';
import { groupCells } from '../../core/view/facets.ts';
import {
  type ClusterFilter,
  clusterTest,
  type DriftFilter,
  driftTest,
  type ResourceFilter,
  resourceTest,
  selects,
} from '../../core/view/filters.ts';
import { MOST_PER_PAGE } from '../../core/view/paging.ts';
import { type ProblemFilter, problemTest } from '../../core/view/problems.ts';
import {
  type DriftGrouping,
  driftsOf,
  groupDrifts,
  type Image,
  imageUses,
  resourcesOf,
} from '../../core/view/resources.ts';
import { refuseMore } from '../arguments.ts';
import { connect, type PageArguments } from '../connection.ts';
import type { ApiContext } from '../context.ts';
import {
  type ClusterOrder,
  clusterOrder,
  driftsByName,
  newestApprovals,
  newestChanges,
  newestEvents,
  newestProblems,
  placementsByName,
  resourcesByName,
} from '../orders.ts';
import { approvalsOf, mayDecide } from './approval.ts';
import { type ApiAssignmentFilter, assignmentConnection, version } from './assignment.ts';
import { findNode } from './node.ts';
import { type RolloutFilter, rolloutConnection, rolloutNamed } from './rollout.ts';
import { type Resolver, reachability } from './shared.ts';

type Root<A> = Resolver<unknown, A>;
type Filtered<F> = PageArguments & { filter?: F | null };
type OfClusters = { clusters?: ClusterFilter | null };
const BY_NAME: ClusterOrder = { field: 'NAME', direction: 'ASC' };
const MOST_GROUP_KEYS = 3;

const clustersOf = (filter: ClusterFilter | null | undefined, { view, time }: ApiContext) => {
  time.check();
  return view.clusters().filter(clusterTest(filter));
};
const resourcesIn = (filter: ClusterFilter | null | undefined, context: ApiContext) =>
  clustersOf(filter, context).flatMap(({ assignments }) => assignments.flatMap(resourcesOf));
const driftsIn = (filter: DriftFilter | null | undefined, { view, time }: ApiContext) => {
  time.check();
  return view
    .assignments()
    .flatMap(driftsOf)
    .filter(driftTest(filter, (cluster) => view.labelsOf(cluster)));
};

const Query = {
  viewer: ((_, __, { viewer }) => viewer) as Root<unknown>,
  hub: ((_, __, { view, version }) => ({ version, startedAt: view.startedAt })) as Root<unknown>,
  fleet: (() => ({})) as Root<unknown>,
  node: ((_, { id }, context) => findNode(id, context)) as Root<{ id: string }>,
  nodes: ((_, { ids }, context) => {
    refuseMore('ids', ids, MOST_PER_PAGE);
    return ids.map((id) => findNode(id, context));
  }) as Root<{ ids: readonly string[] }>,
  cluster: ((_, { name }, { view }) => view.cluster(name)) as Root<{ name: string }>,
  clusters: ((_, { filter, orderBy, ...page }, context) =>
    connect(
      clustersOf(filter, context),
      clusterOrder(orderBy ?? BY_NAME, (cluster) => context.view.observedAt(cluster)),
      page,
      context,
    )) as Root<Filtered<ClusterFilter> & { orderBy?: ClusterOrder | null }>,
  clusterGroups: ((_, { by, filter }, context) => {
    refuseMore('by', by, MOST_GROUP_KEYS);
    return groupCells(clustersOf(filter, context), by);
  }) as Root<{ by: readonly string[]; filter?: ClusterFilter | null }>,
  placement: ((_, { name }, { view }) => view.placement(name)) as Root<{ name: string }>,
  placements: ((_, { selector, ...page }, context) => {
    const selected = selects(selector);
    const all = context.view.placements();
    const rows = selected ? all.filter(({ document }) => selected(document.metadata.labels ?? {})) : all;
    return connect(rows, placementsByName, page, context);
  }) as Root<PageArguments & { selector?: string | null }>,
  approvals: ((_, { state, kind, mine, ...page }, context) => {
    const rows = approvalsOf(context.view).filter(
      (row) =>
        (!state || state.includes(row.state)) &&
        (!kind || kind.includes(row.kind)) &&
        (!mine || mayDecide(row, context)),
    );
    return connect(rows, newestApprovals, page, context);
  }) as Root<
    PageArguments & {
      state?: readonly string[] | null;
      kind?: readonly string[] | null;
      mine?: boolean | null;
    }
  >,
  change: ((_, { alias, rev }, { view }) => {
    const found = view.commit(alias ?? rev ?? '')?.oid;
    return view.change(found ?? alias ?? rev ?? '');
  }) as Root<{ alias?: string | null; rev?: string | null }>,
  changes: ((_, page, context) =>
    connect(context.view.commitChanges(), newestChanges, page, context)) as Root<PageArguments>,
  rollout: ((_, { id }, context) => rolloutNamed(id, context)) as Root<{ id: string }>,
  rollouts: ((_, args, context) =>
    rolloutConnection(
      context.view.rollouts.rollouts(args.filter?.placement ?? undefined),
      args,
      context,
    )) as Root<Filtered<RolloutFilter>>,
  explain: ((_, { cluster, placement }, context) => {
    const { view } = context;
    const told = view.cluster(cluster) && view.rollouts.explain(cluster, placement);
    return (
      told && {
        ...told,
        assignment: view.assignment(cluster, placement),
        desired: version(told.desired, context),
        candidate: version(told.candidate, context),
      }
    );
  }) as Root<{ cluster: string; placement: string }>,
  assignment: ((_, { cluster, placement }, { view }) => view.assignment(cluster, placement)) as Root<{
    cluster: string;
    placement: string;
  }>,
  assignments: ((_, args, context) =>
    assignmentConnection(context.view.assignments(), args, context)) as Root<Filtered<ApiAssignmentFilter>>,
  resources: ((_, { filter, clusters, ...page }, context) =>
    connect(
      resourcesIn(clusters, context).filter(resourceTest(filter)),
      resourcesByName,
      page,
      context,
    )) as Root<Filtered<ResourceFilter> & OfClusters>,
  images: ((_, { repository, tag, digest, clusters, first }, context) => {
    const wanted = ({ image }: { image: Image }) =>
      (repository == null || image.repository === repository) &&
      (tag == null || image.tag === tag) &&
      (digest == null || image.digest === digest);
    const uses = imageUses(resourcesIn(clusters, context)).filter(wanted);
    return uses.slice(0, Math.min(Math.max(first, 0), MOST_PER_PAGE));
  }) as Root<{ first: number } & { [K in 'repository' | 'tag' | 'digest']?: string | null } & OfClusters>,
  drift: ((_, { filter, ...page }, context) =>
    connect(driftsIn(filter, context), driftsByName, page, context)) as Root<Filtered<DriftFilter>>,
  driftGroups: ((_, { by, filter, first }, context) =>
    groupDrifts(driftsIn(filter, context), by).slice(
      0,
      Math.min(Math.max(first, 0), MOST_PER_PAGE),
    )) as Root<{
    by: DriftGrouping;
    filter?: DriftFilter | null;
    first: number;
  }>,
  commit: ((_, { rev }, { view }) => view.commit(rev)) as Root<{ rev: string }>,
  events: ((_, { types, clusters, since, ...page }, context) => {
    const selected = clusters && new Set(clustersOf(clusters, context).map(({ name }) => name));
    const wanted = ({ event, at }: EventRow) =>
      (!types || types.includes(event.type)) &&
      (!selected || selected.has(event.cluster)) &&
      (since == null || at >= since);
    return connect(context.view.events().rows().filter(wanted), newestEvents, page, context);
  }) as Root<PageArguments & { types?: readonly string[] | null; since?: number | null } & OfClusters>,
};

const Fleet = {
  name: ((_, __, { view }) => view.index?.fleetName) as Root<unknown>,
  branch: ((_, __, { view }) => view.index?.repository.branch) as Root<unknown>,
  head: ((_, __, { view }) => view.index?.head) as Root<unknown>,
  indexedAt: ((_, __, { view }) => view.index?.indexedAt) as Root<unknown>,
  git: ((_, __, { view }) => reachability(view.git)) as Root<unknown>,
  bus: ((_, __, { view }) => reachability(view.bus)) as Root<unknown>,
  leader: ((_, __, { view }) => view.leader) as Root<unknown>,
  banners: ((_, __, { view }) => view.banners()) as Root<unknown>,
  labelKeys: ((_, __, { view }) => view.labelKeys()) as Root<unknown>,
  unknownAgents: ((_, __, { view }) => view.strangers) as Root<unknown>,
  problems: ((_, { filter, ...page }, context) => {
    const { view } = context;
    const test = problemTest(filter, (cluster) => view.labelsOf(cluster));
    return connect(view.problems().filter(test), newestProblems, page, context);
  }) as Root<Filtered<ProblemFilter>>,
};

export const queryResolvers = { Query, Fleet };
