import { age, headlineCell } from '../output/words.ts';
import { allPages, PAGE_INFO } from '../pages.ts';
import { STATUS, type Status } from './common.ts';
import type { Listed } from './listed.ts';

const VERSION = '{ revision { oid } digest }';
const QUERY = `query Assignments($filter: AssignmentFilter, $after: String) {
  assignments(filter: $filter, first: 100, after: $after) {
    nodes {
      cluster { name } placement { name } path namespace
      desired ${VERSION} applied ${VERSION} lag { commits seconds } waitingFor ${STATUS}
    }
    ${PAGE_INFO}
  }
}`;

type Version = { revision: { oid: string }; digest: string };
type Node = {
  cluster: { name: string };
  placement: { name: string };
  path: string | null;
  namespace: string | null;
  desired: Version | null;
  applied: Version | null;
  lag: { commits: number; seconds: number } | null;
  waitingFor: string | null;
  status: Status;
};
type VersionItem = { revision: string; digest: string } | null;
export type AssignmentItem = Omit<Node, 'cluster' | 'placement' | 'desired' | 'applied'> & {
  cluster: string;
  placement: string;
  desired: VersionItem;
  applied: VersionItem;
};

const versionOf = (version: Version | null): VersionItem =>
  version && { revision: version.revision.oid, digest: version.digest };
const short = (version: VersionItem) => version?.revision.slice(0, 7) ?? '-';

export const assignments: Listed<AssignmentItem> = {
  one: 'assignment',
  key: ({ cluster, placement }) => `${cluster}/${placement}`,
  fingerprint: (item) =>
    JSON.stringify({ ...item, lag: item.lag?.commits, status: { ...item.status, observedAt: null } }),
  async list({ selector, parsed }, { hub, signal }) {
    type Answer = {
      assignments: { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
    };
    const filter = {
      selector: selector ?? null,
      clusters: parsed.values.get('cluster') ?? null,
      placements: parsed.values.get('placement') ?? null,
    };
    const nodes = await allPages(hub, QUERY, { filter }, (answer: Answer) => answer.assignments, signal);
    return nodes.map(({ cluster, placement, desired, applied, ...rest }) => ({
      cluster: cluster.name,
      placement: placement.name,
      desired: versionOf(desired),
      applied: versionOf(applied),
      ...rest,
    }));
  },
  shape: (now) => ({
    name: ({ cluster, placement }) => `assignment/${cluster}/${placement}`,
    columns: [
      ['CLUSTER', ({ cluster }) => cluster],
      ['PLACEMENT', ({ placement }) => placement],
      ['STATUS', ({ status }) => headlineCell(status.headline)],
      ['DESIRED', ({ desired }) => short(desired)],
      ['APPLIED', ({ applied }) => short(applied)],
      ['BEHIND', ({ lag }) => (lag ? String(lag.commits) : '-')],
      ['SINCE', ({ status }) => age(status.since, now)],
      ['WHY', ({ waitingFor, status }) => status.reason ?? waitingFor ?? '-'],
    ],
    wide: [
      ['SYNC', ({ status }) => status.sync],
      ['DRIFT', ({ status }) => status.drift],
      ['HEALTH', ({ status }) => status.health],
      ['PATH', ({ path }) => path ?? '-'],
    ],
  }),
};
