import { usage } from '../args.ts';
import { EXIT } from '../exit.ts';
import { printList, type Shape } from '../output/print.ts';
import { counted } from '../output/words.ts';
import { PAGE_INFO } from '../pages.ts';
import { momentOf } from '../times.ts';
import type { Surroundings, Verb } from '../verb.ts';
import { flagValue, formatOf, outputFlag, refuseWords } from './common.ts';

const QUERY = `query Audit($since: DateTime, $until: DateTime, $actor: String, $action: [String!], $first: Int!, $after: String) {
  auditLog(since: $since, until: $until, actor: $actor, action: $action, first: $first, after: $after) {
    nodes {
      id at kind action actor { name } groups reason placement stage cluster selector revision { oid } until
      clusterCount clusters result
    }
    ${PAGE_INFO}
  }
}`;

type Node = {
  id: string;
  at: string;
  kind: string;
  action: string;
  actor: { name: string };
  groups: string[];
  reason: string | null;
  placement: string | null;
  stage: string | null;
  cluster: string | null;
  selector: string | null;
  revision: { oid: string } | null;
  until: string | null;
  clusterCount: number | null;
  clusters: string[];
  result: string | null;
};
export type AuditItem = Omit<Node, 'actor' | 'revision'> & { actor: string; revision: string | null };
type Answer = { auditLog: { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } };

const PER_PAGE = 100;
const DEFAULT_LIMIT = 100;
const MOST = 100_000;

/** What it was about, shortest first to read: placement/stage, clusters, revision. */
function aboutOf({ placement, stage, cluster, selector, revision, clusterCount }: AuditItem): string {
  const line = placement === null ? [] : [stage === null ? placement : `${placement}/${stage}`];
  const where = cluster ?? (selector === null ? undefined : selector === '' ? 'every cluster' : selector);
  const count = clusterCount === null ? [] : [counted(clusterCount, 'cluster')];
  const version = revision === null ? [] : [`@${revision.slice(0, 7)}`];
  return [...line, ...(where === undefined ? [] : [where]), ...count, ...version].join(' ') || '-';
}

const resultOf = ({ kind, result }: AuditItem) => result ?? (kind === 'OPERATION' ? 'unknown' : '-');

const SHAPE: Shape<AuditItem> = {
  name: ({ id }) => `audit/${id}`,
  columns: [
    ['WHEN', ({ at }) => secondsOf(at)],
    ['WHO', ({ actor }) => actor],
    ['WHAT', ({ action }) => action],
    ['ABOUT', aboutOf],
    ['RESULT', resultOf],
    ['WHY', ({ reason }) => reason ?? '-'],
  ],
  wide: [
    ['UNTIL', ({ until }) => (until === null ? '-' : secondsOf(until))],
    ['GROUPS', ({ groups }) => groups.join(',') || '-'],
    ['CLUSTERS', ({ clusters }) => clusters.join(',') || '-'],
  ],
};

/** RFC 3339 without what is less than a second. */
export const secondsOf = (time: string): string => time.replace(/\.\d+Z$/, 'Z');

export const audit: Verb = {
  summary: 'Shows what people ordered and what rollouts did, newest first.',
  usage: ['audit [--since TIME] [--until TIME] [--actor NAME] [--action WORD]… [--limit N] [-o FORMAT]'],
  flags: {
    ...outputFlag(),
    since: { value: 'TIME', describe: 'not before: 7d (ago), 2026-05-03, or 2026-05-03T10:00:00Z' },
    until: { value: 'TIME', describe: 'before this time' },
    actor: { value: 'NAME', describe: 'what this person ordered; flotilla is what nobody did' },
    action: { value: 'WORD', multiple: true, describe: 'only this: pause, approve, stagePassed, …' },
    limit: { value: 'N', describe: `so many entries at most (default: ${DEFAULT_LIMIT})` },
  },
  notes: [
    'An operation is stored before it is carried out; RESULT unknown: the hub ended before it could say.',
    'What single clusters ran is in flotilla history.',
  ],
  async run(parsed, around) {
    refuseWords(parsed);
    const now = around.now();
    const moment = (flag: string) => {
      const text = flagValue(parsed, flag);
      return text === undefined ? null : momentOf(flag, text, now);
    };
    const question = {
      since: moment('since'),
      until: moment('until'),
      actor: flagValue(parsed, 'actor') ?? null,
      action: parsed.values.get('action') ?? null,
    };
    const limit = limitOf(flagValue(parsed, 'limit'));
    const { items, more } = await entriesOf(question, limit, around);
    await printList(items, formatOf(parsed), SHAPE, around);
    if (items.length === 0) around.talk('nothing is kept of that');
    else if (more) around.talk(`the newest ${items.length}; --limit or --until shows more`);
    return EXIT.yes;
  },
};

function limitOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST)
    throw usage(`--limit ${text} is not 1 to ${MOST}`);
  return limit;
}

async function entriesOf(
  question: object,
  limit: number,
  { hub, signal }: Surroundings,
): Promise<{ items: AuditItem[]; more: boolean }> {
  const items: AuditItem[] = [];
  let after: string | null = null;
  let more = true;
  while (more && items.length < limit) {
    const first = Math.min(PER_PAGE, limit - items.length);
    const { auditLog }: Answer = await hub.ask<Answer>(QUERY, { ...question, first, after }, signal);
    for (const { actor, revision, ...rest } of auditLog.nodes)
      items.push({ ...rest, actor: actor.name, revision: revision?.oid ?? null });
    after = auditLog.pageInfo.endCursor;
    more = auditLog.pageInfo.hasNextPage;
  }
  return { items, more };
}
