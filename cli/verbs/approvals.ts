import { age, counted } from '../output/words.ts';
import { allPages, PAGE_INFO } from '../pages.ts';
import type { Listed } from './listed.ts';

const MOST_CLUSTERS = 100;
/** What the API tells of an approval; at most 100 of its clusters by name. */
export const APPROVAL = `alias kind state stage groups count authors reason setHash requestedAt expiresAt clusterCount
  placement { name } rollout { alias } decisions { by at approved reason }
  clusters(first: ${MOST_CLUSTERS}) { nodes { name } } commit { path field item }`;
const QUERY = `query Approvals($state: [ApprovalState!], $mine: Boolean, $after: String) {
  approvals(state: $state, mine: $mine, first: 100, after: $after) { nodes { ${APPROVAL} } ${PAGE_INFO} }
}`;
/** Nothing is decided yet, or what was decided counts no more. */
export const WAITING = ['PENDING', 'EXPIRED'];

type Decision = { by: string; at: string; approved: boolean; reason: string | null };
type Commit = { path: string; field: string; item: string };
export type ApprovalNode = {
  alias: string;
  kind: string;
  state: string;
  stage: string | null;
  groups: string[];
  count: number | null;
  authors: string[];
  reason: string;
  setHash: string | null;
  requestedAt: string;
  expiresAt: string | null;
  clusterCount: number;
  placement: { name: string };
  rollout: { alias: string } | null;
  decisions: Decision[];
  clusters: { nodes: { name: string }[] };
  commit: Commit | null;
};
export type ApprovalItem = Omit<ApprovalNode, 'placement' | 'clusters' | 'rollout'> & {
  placement: string;
  rollout: string | null;
  clusters: string[];
};

export const approvals: Listed<ApprovalItem> = {
  one: 'approval',
  key: ({ alias }) => alias,
  fingerprint: (item) => JSON.stringify(item),
  async list({ names, parsed }, { hub, signal }) {
    type Answer = {
      approvals: { nodes: ApprovalNode[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
    };
    const state = parsed.switches.has('all') || names.length > 0 ? null : WAITING;
    const mine = parsed.switches.has('mine') || null;
    const nodes = await allPages(hub, QUERY, { state, mine }, (answer: Answer) => answer.approvals, signal);
    return nodes.map(approvalItem).filter(({ alias }) => names.length === 0 || names.includes(alias));
  },
  shape: (now) => ({
    name: ({ alias }) => `approval/${alias}`,
    columns: [
      ['ID', ({ alias }) => alias],
      ['KIND', ({ kind }) => kind],
      ['STATE', ({ state }) => state],
      ['PLACEMENT', ({ placement }) => placement],
      ['CLUSTERS', ({ clusterCount }) => String(clusterCount)],
      ['SINCE', ({ requestedAt }) => age(requestedAt, now)],
      ['TO APPROVE', (item) => howText(item)],
    ],
    wide: [
      ['GIVEN', ({ decisions }) => decisionsText(decisions)],
      ['WHY', ({ reason }) => reason],
      ['WHICH', ({ clusters, clusterCount }) => someOf(clusters, clusterCount)],
    ],
  }),
};

export const approvalItem = ({ placement, rollout, clusters, ...rest }: ApprovalNode): ApprovalItem => ({
  ...rest,
  placement: placement.name,
  rollout: rollout?.alias ?? null,
  clusters: clusters.nodes.map(({ name }) => name),
});

/** What has to be done for it, and by whom. */
export function howText(
  approval: Pick<ApprovalNode, 'alias' | 'state' | 'commit' | 'groups' | 'count' | 'decisions'>,
): string {
  const { alias, state, commit, groups, count, decisions } = approval;
  if (commit) return `commit ${commit.item} to ${commit.field} in ${commit.path}`;
  if (!WAITING.includes(state)) return '-';
  const given = decisions.length > 0 ? `, ${decisions.length} given` : '';
  return `flotilla approve ${alias} --reason … (${count ?? 1} by ${groups.join(' or ')}${given})`;
}

const decisionsText = (decisions: readonly Decision[]): string =>
  [...new Set(decisions.map(({ by, approved }) => `${approved ? '' : 'denied by '}${by}`))].join(', ') || '-';

function someOf(names: readonly string[], count: number): string {
  const shown = names.slice(0, 5);
  const rest = count - shown.length;
  return rest > 0 ? `${shown.join(',')} and ${counted(rest, 'more', 'more')}` : shown.join(',');
}
