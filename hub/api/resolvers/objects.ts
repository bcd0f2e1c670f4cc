import type { Commit } from '#git/objects.ts';
import type { EventRow } from '../../core/view/events.ts';
import type { ProblemRow } from '../../core/view/problems.ts';
import type { DriftGroup, DriftRow, ImageUse, ResourceRow } from '../../core/view/resources.ts';
import { parseImage, refOf } from '../../core/view/resources.ts';
import { connect, type PageArguments } from '../connection.ts';
import type { ApiContext } from '../context.ts';
import { idOf } from '../ids.ts';
import { clustersByName } from '../orders.ts';
import { location, type Resolver, revision } from './shared.ts';

const clustersNamed: Resolver<{ clusters: ReadonlySet<string> }, PageArguments> = (
  { clusters },
  page,
  context,
) => {
  const rows = [...clusters].map((name) => context.view.cluster(name)).filter((row) => row !== undefined);
  return connect(rows, clustersByName, page, context);
};

type OfResource = Resolver<ResourceRow>;
const Resource = {
  id: (({ assignment, object }) =>
    idOf('Resource', assignment.cluster, assignment.placement, object.id)) as OfResource,
  action: (({ object }) => object.action) as OfResource,
  error: (({ object }) => object.error) as OfResource,
  health: (({ object }) => object.health) as OfResource,
  healthReason: (({ object }) => object.healthReason) as OfResource,
  assessed: (({ object }) => object.assessed) as OfResource,
  drift: (({ object }) => object.drift) as OfResource,
  images: (({ object }) => (object.images ?? []).map(parseImage)) as OfResource,
  source: (({ object }) => object.source && location({ file: object.source })) as OfResource,
};

type OfDrift = Resolver<DriftRow>;
const FieldDrift = {
  id: (({ assignment, field }) =>
    idOf(
      'FieldDrift',
      assignment.cluster,
      assignment.placement,
      field.id,
      field.path,
      field.kind,
    )) as OfDrift,
  resource: (({ ref }) => ref) as OfDrift,
  path: (({ field }) => field.path) as OfDrift,
  kind: (({ field }) => field.kind) as OfDrift,
  desired: (({ field }) => field.desired) as OfDrift,
  live: (({ field }) => field.live) as OfDrift,
  manager: (({ field }) => field.manager) as OfDrift,
  operation: (({ field }) => field.operation) as OfDrift,
  changedAt: (({ field }) => field.changedAt) as OfDrift,
  firstSeen: (({ field }) => field.firstSeen) as OfDrift,
  redacted: (({ field }) => field.redacted) as OfDrift,
  healable: (({ field }) => field.healable) as OfDrift,
  subresource: (({ field }) => field.subresource) as OfDrift,
  fight: (({ field }) => field.fight) as OfDrift,
};

const DriftGroupType = {
  fieldCount: (({ fields }) => fields.length) as Resolver<DriftGroup>,
  clusterCount: (({ clusters }) => clusters.size) as Resolver<DriftGroup>,
  sample: (({ fields }) => fields[0]) as Resolver<DriftGroup>,
  clusters: clustersNamed,
};

const ImageUseType = {
  clusterCount: (({ clusters }) => clusters.size) as Resolver<ImageUse>,
  clusters: clustersNamed,
};

const placementNamed = (name: string | undefined, { view }: ApiContext) =>
  name === undefined ? undefined : view.placement(name);
const clusterNamed = (name: string | undefined, { view }: ApiContext) =>
  name === undefined ? undefined : view.cluster(name);

const Problem = {
  id: (({ id }) => idOf('Problem', id)) as Resolver<ProblemRow>,
  source: (({ source }) => source && location(source)) as Resolver<ProblemRow>,
  cluster: (({ cluster }, _, context) => clusterNamed(cluster, context)) as Resolver<ProblemRow>,
  placement: (({ placement }, _, context) => placementNamed(placement, context)) as Resolver<ProblemRow>,
};

const Event = {
  id: (({ id }) => idOf('Event', id)) as Resolver<EventRow>,
  type: (({ event }) => event.type) as Resolver<EventRow>,
  cluster: (({ event }, _, context) => clusterNamed(event.cluster, context)) as Resolver<EventRow>,
  placement: (({ event }, _, context) => placementNamed(event.placement, context)) as Resolver<EventRow>,
  revision: (({ event }, _, context) =>
    event.revision && revision(event.revision, context)) as Resolver<EventRow>,
  drift: (({ event }, _, { view }) => {
    const field = event.drift;
    const assignment = event.placement && view.assignment(event.cluster, event.placement);
    return field && assignment ? { assignment, field, ref: refOf(field) } : undefined;
  }) as Resolver<EventRow>,
  message: (({ event }) => event.message) as Resolver<EventRow>,
};

const CommitType = {
  id: (({ oid }) => idOf('Commit', oid)) as Resolver<Commit>,
  shortOid: (({ oid }) => oid.slice(0, 7)) as Resolver<Commit>,
  headline: (({ message }) => message.split('\n', 1)[0]) as Resolver<Commit>,
  committedAt: (({ committer }) => committer.at * 1_000) as Resolver<Commit>,
  change: (({ oid }, _, { view }) => view.change(oid)) as Resolver<Commit>,
};

export const objectResolvers = {
  Resource,
  FieldDrift,
  DriftGroup: DriftGroupType,
  ImageUse: ImageUseType,
  Problem,
  Event,
  Commit: CommitType,
};
