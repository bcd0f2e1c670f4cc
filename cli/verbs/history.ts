import { usage } from '../args.ts';
import { EXIT } from '../exit.ts';
import { printList, type Shape } from '../output/print.ts';
import type { Cell } from '../output/table.ts';
import { allPages, PAGE_INFO } from '../pages.ts';
import { momentOf } from '../times.ts';
import type { Verb } from '../verb.ts';
import { secondsOf } from './audit.ts';
import { flagValue, formatOf, outputFlag } from './common.ts';

const APPLY = `cluster placement stage version { digest } revision { oid } from attempt purpose startedAt finishedAt result
  message created configured pruned failed`;
const HISTORY = `query History($cluster: String!, $placement: String, $after: String) {
  history(cluster: $cluster, placement: $placement, first: 100, after: $after) { nodes { ${APPLY} } ${PAGE_INFO} }
}`;
const RAN_AT = `query RanAt($cluster: String!, $at: DateTime!) { ranAt(cluster: $cluster, at: $at) { ${APPLY} } }`;

type Node = {
  cluster: string;
  placement: string;
  stage: string;
  version: { digest: string } | null;
  revision: { oid: string };
  from: string | null;
  attempt: string;
  purpose: string;
  startedAt: string;
  finishedAt: string;
  result: string;
  message: string | null;
  created: number | null;
  configured: number | null;
  pruned: number | null;
  failed: number | null;
};
export type ApplyItem = Omit<Node, 'version' | 'revision'> & { revision: string; digest: string | null };

const itemOf = ({ version, revision, ...rest }: Node): ApplyItem => ({
  ...rest,
  revision: revision.oid,
  digest: version?.digest ?? null,
});

const COLORS: Record<string, 'green' | 'red' | 'grey'> = {
  CURRENT: 'green',
  FAILED: 'red',
  REGRESSED: 'red',
};
const resultCell = ({ result }: ApplyItem): Cell => ({ text: result, color: COLORS[result] ?? 'grey' });
const short = (digest: string | null) => digest?.slice(0, 12) ?? '-';

/** How long it took, in its two greatest units at most. */
function tookOf({ startedAt, finishedAt }: ApplyItem): string {
  const seconds = Math.max(0, Math.round((Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  return `${Math.floor(seconds / 3_600)}h${Math.floor((seconds % 3_600) / 60)}m`;
}

const changes = ({ created, configured, pruned, failed }: ApplyItem) =>
  created === null ? '-' : `+${created} ~${configured} -${pruned}${failed ? ` !${failed}` : ''}`;

const SHAPE: Shape<ApplyItem> = {
  name: ({ cluster, placement, attempt }) => `apply/${cluster}/${placement}/${attempt}`,
  columns: [
    ['ENDED', ({ finishedAt }) => secondsOf(finishedAt)],
    ['PLACEMENT', ({ placement }) => placement],
    ['REVISION', ({ revision }) => revision.slice(0, 7)],
    ['RESULT', resultCell],
    ['TOOK', tookOf],
    ['FOR', ({ purpose }) => purpose.toLowerCase().replace('_', '-')],
    ['MESSAGE', ({ message }) => message ?? '-'],
  ],
  wide: [
    ['STAGE', ({ stage }) => stage],
    ['FROM', ({ from }) => short(from)],
    ['TO', ({ digest }) => short(digest)],
    ['OBJECTS', changes],
    ['ATTEMPT', ({ attempt }) => attempt],
  ],
};

export const history: Verb = {
  summary: 'Shows what was tried and what ran on a cluster, newest first; with --at what it ran then.',
  usage: ['history CLUSTER [PLACEMENT] [--at TIME] [-o FORMAT]'],
  flags: {
    ...outputFlag(),
    at: { value: 'TIME', describe: 'what it ran at 7d (ago), 2026-05-03, or 2026-05-03T10:00:00Z' },
  },
  notes: [
    'The newest hundred attempts of each placement are kept for 400 days, also of clusters that have left.',
    'OBJECTS: created +, configured ~, pruned -, failed !.',
  ],
  async run(parsed, around) {
    const { hub, signal, talk } = around;
    const [cluster, placement = null, word] = parsed.positionals;
    if (cluster === undefined) throw usage('history of what? a CLUSTER, and maybe a PLACEMENT');
    if (word !== undefined) throw usage(`unexpected word ${word}`);
    const time = flagValue(parsed, 'at');
    let items: ApplyItem[];
    if (time === undefined) {
      type Answer = {
        history: { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
      };
      const variables = { cluster, placement };
      const nodes = await allPages(hub, HISTORY, variables, (answer: Answer) => answer.history, signal);
      items = nodes.map(itemOf);
    } else {
      const at = momentOf('at', time, around.now());
      const { ranAt } = await hub.ask<{ ranAt: Node[] }>(RAN_AT, { cluster, at }, signal);
      items = ranAt.map(itemOf).filter((item) => placement === null || item.placement === placement);
    }
    await printList(items, formatOf(parsed), SHAPE, around);
    const what = placement === null ? cluster : `${placement} on ${cluster}`;
    if (items.length === 0) talk(`nothing is kept of ${what}${time === undefined ? '' : ' at that time'}`);
    return EXIT.yes;
  },
};
