import { labelText } from '../output/words.ts';
import { allPages, PAGE_INFO } from '../pages.ts';
import { type Label, labelMap } from './common.ts';
import type { Listed } from './listed.ts';

const QUERY = `query Placements($after: String) {
  placements(first: 100, after: $after) {
    nodes {
      name deleted owner runbook labels { key value } source { path } dependsOn { name }
      version { oid shortOid commit { headline } }
      assignments(first: 1) { totalCount statusCounts { headline count } revisionCounts { revision { oid } count } }
    }
    ${PAGE_INFO}
  }
}`;

type Node = {
  name: string;
  deleted: boolean;
  owner: string | null;
  runbook: string | null;
  labels: Label[];
  source: { path: string };
  dependsOn: { name: string }[];
  version: { oid: string; shortOid: string; commit: { headline: string } | null };
  assignments: {
    totalCount: number;
    statusCounts: { headline: string; count: number }[];
    revisionCounts: { revision: { oid: string }; count: number }[];
  };
};
export type PlacementItem = {
  name: string;
  /** Git no longer has it; what runs of it waits for an approval. */
  deleted: boolean;
  labels: Record<string, string>;
  owner: string | null;
  runbook: string | null;
  file: string;
  dependsOn: string[];
  revision: string;
  commit: string | null;
  clusterCount: number;
  statusCounts: Record<string, number>;
  appliedRevisions: Record<string, number>;
};

export const placements: Listed<PlacementItem> = {
  one: 'placement',
  key: ({ name }) => name,
  fingerprint: (item) => JSON.stringify(item),
  async list({ names }, { hub, signal }) {
    type Answer = {
      placements: { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
    };
    const nodes = await allPages(hub, QUERY, {}, (answer: Answer) => answer.placements, signal);
    return nodes.filter(({ name }) => names.length === 0 || names.includes(name)).map(itemOf);
  },
  shape: () => ({
    name: ({ name }) => `placement/${name}`,
    columns: [
      ['NAME', ({ name }) => name],
      ['CLUSTERS', ({ clusterCount }) => String(clusterCount)],
      ['OK', ({ statusCounts }) => String(statusCounts.OK ?? 0)],
      ['NOT OK', ({ clusterCount, statusCounts }) => String(clusterCount - (statusCounts.OK ?? 0))],
      ['REVISION', ({ revision }) => revision.slice(0, 7)],
      ['COMMIT', ({ deleted, commit }) => (deleted ? '(deleted)' : (commit ?? '-'))],
    ],
    wide: [
      ['OWNER', ({ owner }) => owner ?? '-'],
      ['DEPENDS ON', ({ dependsOn }) => dependsOn.join(',') || '-'],
      ['LABELS', ({ labels }) => labelText(labels)],
      ['FILE', ({ file }) => file],
    ],
  }),
};

function itemOf({
  name,
  deleted,
  owner,
  runbook,
  labels,
  source,
  dependsOn,
  version,
  assignments,
}: Node): PlacementItem {
  return {
    name,
    deleted,
    labels: labelMap(labels),
    owner,
    runbook,
    file: source.path,
    dependsOn: dependsOn.map((placement) => placement.name),
    revision: version.oid,
    commit: version.commit?.headline ?? null,
    clusterCount: assignments.totalCount,
    statusCounts: Object.fromEntries(
      assignments.statusCounts.map(({ headline, count }) => [headline, count]),
    ),
    appliedRevisions: Object.fromEntries(
      assignments.revisionCounts.map(({ revision, count }) => [revision.oid, count]),
    ),
  };
}
