import { age, counted } from '../output/words.ts';
import { allPages, PAGE_INFO } from '../pages.ts';
import type { Listed } from './get.ts';

const MOST_CLUSTERS = 100;
/** What the API tells of an approval; at most 100 of its clusters by name. */
export const APPROVAL = `kind state reason setHash requestedAt clusterCount
  placement { name } clusters(first: ${MOST_CLUSTERS}) { nodes { name } } commit { path field item }`;
const QUERY = `query Approvals($after: String) {
  approvals(first: 100, after: $after) { nodes { ${APPROVAL} } ${PAGE_INFO} }
}`;

export type ApprovalNode = {
  kind: string;
  state: string;
  reason: string;
  setHash: string;
  requestedAt: string;
  clusterCount: number;
  placement: { name: string };
  clusters: { nodes: { name: string }[] };
  commit: { path: string; field: string; item: string };
};
export type ApprovalItem = Omit<ApprovalNode, 'placement' | 'clusters'> & {
  placement: string;
  clusters: string[];
};

export const approvals: Listed<ApprovalItem> = {
  one: 'approval',
  key: ({ setHash }) => setHash,
  fingerprint: (item) => JSON.stringify(item),
  async list({ names }, { hub, signal }) {
    type Answer = {
      approvals: { nodes: ApprovalNode[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
    };
    const nodes = await allPages(hub, QUERY, {}, (answer: Answer) => answer.approvals, signal);
    return nodes.map(approvalItem).filter(({ setHash }) => names.length === 0 || names.includes(setHash));
  },
  shape: (now) => ({
    name: ({ setHash }) => `approval/${setHash}`,
    columns: [
      ['ID', ({ setHash }) => setHash],
      ['KIND', ({ kind }) => kind],
      ['STATE', ({ state }) => state],
      ['PLACEMENT', ({ placement }) => placement],
      ['CLUSTERS', ({ clusterCount }) => String(clusterCount)],
      ['SINCE', ({ requestedAt }) => age(requestedAt, now)],
      ['TO APPROVE, COMMIT', ({ commit }) => commitText(commit)],
    ],
    wide: [
      ['WHY', ({ reason }) => reason],
      ['WHICH', ({ clusters, clusterCount }) => someOf(clusters, clusterCount)],
    ],
  }),
};

export const approvalItem = ({ placement, clusters, ...rest }: ApprovalNode): ApprovalItem => ({
  ...rest,
  placement: placement.name,
  clusters: clusters.nodes.map(({ name }) => name),
});

export const commitText = ({ path, field, item }: ApprovalNode['commit']): string =>
  `${item} to ${field} in ${path}`;

function someOf(names: readonly string[], count: number): string {
  const shown = names.slice(0, 5);
  const rest = count - shown.length;
  return rest > 0 ? `${shown.join(',')} and ${counted(rest, 'more', 'more')}` : shown.join(',');
}
