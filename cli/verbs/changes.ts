import { age } from '../output/words.ts';
import { allPages, PAGE_INFO } from '../pages.ts';
import { countsText, farText, wordCell } from '../rollouts/looks.ts';
import { PROGRESS, type Progress } from '../rollouts/nouns.ts';
import type { Listed } from './listed.ts';

const SHOWN = 20;
const query = (first: number) => `query Changes($after: String) {
  changes(first: ${first}, after: $after) {
    nodes {
      alias phase startedAt finishedAt ${PROGRESS}
      revision { oid commit { headline author { name } committedAt } }
      rollouts { alias phase placement { name } } approvals { alias state }
    }
    ${PAGE_INFO}
  }
}`;

type Node = {
  alias: string;
  phase: string;
  startedAt: string | null;
  finishedAt: string | null;
  progress: Progress;
  revision: {
    oid: string;
    commit: { headline: string; author: { name: string }; committedAt: string } | null;
  };
  rollouts: { alias: string; phase: string; placement: { name: string } }[];
  approvals: { alias: string; state: string }[];
};
export type ChangeItem = Omit<Node, 'revision' | 'rollouts'> & {
  revision: string;
  commit: string | null;
  author: string | null;
  committedAt: string | null;
  rollouts: { alias: string; phase: string; placement: string }[];
};
type Page = { changes: { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } };

export const changes: Listed<ChangeItem> = {
  one: 'change',
  key: ({ alias }) => alias,
  fingerprint: (item) => JSON.stringify(item),
  async list({ names, parsed }, { hub, signal }) {
    const all = parsed.switches.has('all') || names.length > 0;
    const nodes = all
      ? await allPages(hub, query(100), {}, (answer: Page) => answer.changes, signal)
      : (await hub.ask<Page>(query(SHOWN), { after: null }, signal)).changes.nodes;
    return nodes.filter(({ alias }) => names.length === 0 || names.includes(alias)).map(itemOf);
  },
  shape: (now) => ({
    name: ({ alias }) => `change/${alias}`,
    columns: [
      ['CHANGE', ({ alias }) => alias],
      ['PHASE', ({ phase }) => wordCell(phase)],
      ['CLUSTERS', ({ progress }) => farText(progress)],
      ['PLACEMENTS', ({ rollouts }) => placementsText(rollouts)],
      ['AGE', ({ startedAt, committedAt }) => age(startedAt ?? committedAt, now)],
      ['AUTHOR', ({ author }) => author ?? '-'],
      ['COMMIT', ({ commit }) => commit ?? '-'],
    ],
    wide: [
      ['COUNTS', ({ progress }) => countsText(progress)],
      ['APPROVALS', ({ approvals }) => waitingText(approvals)],
      ['ENDED', ({ finishedAt }) => age(finishedAt, now)],
    ],
  }),
};

function itemOf({ revision, rollouts, ...rest }: Node): ChangeItem {
  return {
    ...rest,
    revision: revision.oid,
    commit: revision.commit?.headline ?? null,
    author: revision.commit?.author.name ?? null,
    committedAt: revision.commit?.committedAt ?? null,
    rollouts: rollouts.map(({ placement, ...one }) => ({ ...one, placement: placement.name })),
  };
}

const MOST_NAMED = 3;

function placementsText(rollouts: ChangeItem['rollouts']): string {
  const names = rollouts.map(({ placement }) => placement);
  const more = names.length - MOST_NAMED;
  return more > 0 ? `${names.slice(0, MOST_NAMED).join(',')} +${more}` : names.join(',');
}

const waitingText = (approvals: ChangeItem['approvals']): string =>
  approvals
    .filter(({ state }) => state === 'PENDING' || state === 'EXPIRED')
    .map(({ alias }) => alias)
    .join(',') || '-';
