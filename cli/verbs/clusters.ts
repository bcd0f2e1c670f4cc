import { age, headlineCell, labelText } from '../output/words.ts';
import { allPages, PAGE_INFO } from '../pages.ts';
import { type Label, labelMap, STATUS, type Status } from './common.ts';
import type { Listed } from './listed.ts';

const QUERY = `query Clusters($filter: ClusterFilter, $after: String) {
  clusters(filter: $filter, first: 100, after: $after) {
    nodes {
      name mode labels { key value } ${STATUS}
      facts { kubernetesVersion distribution provider nodeCount agentVersion }
      assignments(first: 1) { totalCount }
    }
    ${PAGE_INFO}
  }
}`;

type Node = {
  name: string;
  mode: string;
  labels: Label[];
  status: Status;
  facts: Record<string, string | number | null>;
  assignments: { totalCount: number };
};
export type ClusterItem = Omit<Node, 'labels' | 'assignments'> & {
  labels: Record<string, string>;
  assignmentCount: number;
};

export const clusters: Listed<ClusterItem> = {
  one: 'cluster',
  key: ({ name }) => name,
  fingerprint: (item) => JSON.stringify({ ...item, status: { ...item.status, observedAt: null } }),
  async list({ selector, names }, { hub, signal }) {
    type Answer = {
      clusters: { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
    };
    const filter = { selector: selector ?? null, names: names.length > 0 ? names : null };
    const nodes = await allPages(hub, QUERY, { filter }, (answer: Answer) => answer.clusters, signal);
    return nodes.map(({ labels, assignments, ...rest }) => ({
      ...rest,
      labels: labelMap(labels),
      assignmentCount: assignments.totalCount,
    }));
  },
  shape: (now) => ({
    name: ({ name }) => `cluster/${name}`,
    columns: [
      ['NAME', ({ name }) => name],
      ['STATUS', ({ status }) => headlineCell(status.headline)],
      ['CONNECTIVITY', ({ status }) => status.connectivity],
      ['SYNC', ({ status }) => status.sync],
      ['DRIFT', ({ status }) => status.drift],
      ['HEALTH', ({ status }) => status.health],
      ['SINCE', ({ status }) => age(status.since, now)],
      ['SEEN', ({ status }) => age(status.observedAt, now)],
    ],
    wide: [
      ['MODE', ({ mode }) => mode],
      ['ASSIGNED', ({ assignmentCount }) => String(assignmentCount)],
      ['KUBERNETES', ({ facts }) => String(facts.kubernetesVersion ?? '-')],
      ['AGENT', ({ facts }) => String(facts.agentVersion ?? '-')],
      ['LABELS', ({ labels }) => labelText(labels)],
      ['REASON', ({ status }) => status.reason ?? '-'],
    ],
  }),
};
