import { EXIT } from '../exit.ts';
import { labelCheck } from '../known-labels.ts';
import { printValue } from '../output/print.ts';
import { harmless, paint, table } from '../output/table.ts';
import { age, counted, headlineCell } from '../output/words.ts';
import { farText, lookOf, span, wordCell } from '../rollouts/looks.ts';
import { LIVE_PHASES, ROLLOUT, type RolloutNode, rolloutItem } from '../rollouts/nouns.ts';
import { NEWEST, type Newest, stoppedOf, stoppedText } from '../rollouts/stopped.ts';
import type { Surroundings, Verb } from '../verb.ts';
import { watch } from '../watch.ts';
import { APPROVAL, type ApprovalNode, approvalItem, howText, WAITING } from './approvals.ts';
import {
  flagValue,
  formatOf,
  outputFlag,
  refuseWords,
  SELECTOR,
  STATUS,
  type Status,
  WATCH,
} from './common.ts';

const MOST_SHOWN = 20;
const QUERY = `query Status($filter: ClusterFilter, $notOk: ClusterFilter) {
  fleet {
    name branch indexedAt unknownAgents
    head { oid shortOid headline author { name } committedAt }
    git { ok message } bus { ok message } leader
    banners { kind message by reason expiresAt }
    problems(first: ${MOST_SHOWN}) {
      totalCount
      nodes { code severity message suggestion source { path line column } cluster { name } placement { name } since }
    }
  }
  clusters(filter: $filter, first: 1) { totalCount statusCounts { headline count } }
  notOk: clusters(filter: $notOk, orderBy: { field: HEADLINE, direction: ASC }, first: ${MOST_SHOWN}) {
    totalCount nodes { name ${STATUS} }
  }
  rollouts(filter: { phase: [${LIVE_PHASES.join(', ')}] }, first: ${MOST_SHOWN}) { totalCount nodes { ${ROLLOUT} } }
  newest: ${NEWEST}
  approvals(state: [${WAITING.join(', ')}], first: ${MOST_SHOWN}) { totalCount nodes { ${APPROVAL} } }
}`;
/** The approvals of it are told on their own. */
const HELD = 'removal-held';
const NOT_OK = ['FAILED', 'OFFLINE', 'DRIFTED', 'UNKNOWN', 'APPLYING', 'PENDING', 'SUSPENDED'];

type Banner = {
  kind: string;
  message: string;
  by: string | null;
  reason: string | null;
  expiresAt: string | null;
};
type Reachability = { ok: boolean; message: string | null };
type Answer = {
  fleet: {
    name: string | null;
    branch: string | null;
    indexedAt: string | null;
    unknownAgents: number;
    head: { shortOid: string; headline: string; author: { name: string }; committedAt: string } | null;
    git: Reachability;
    bus: Reachability;
    leader: string | null;
    banners: Banner[];
    problems: {
      totalCount: number;
      nodes: {
        code: string;
        severity: string;
        message: string;
        cluster: { name: string } | null;
        since: string;
      }[];
    };
  };
  clusters: { totalCount: number; statusCounts: { headline: string; count: number }[] };
  notOk: { totalCount: number; nodes: { name: string; status: Status }[] };
  rollouts: { totalCount: number; nodes: RolloutNode[] };
  newest: Newest;
  approvals: { totalCount: number; nodes: ApprovalNode[] };
};

export const status: Verb = {
  summary:
    'Tells how the fleet is: head, counts, what rolls out, the clusters that are not well, and what is to be mended.',
  usage: ['status [-l SELECTOR] [-o table|json|yaml] [-w] [--exit-code]'],
  flags: {
    ...outputFlag(['table', 'json', 'yaml']),
    ...SELECTOR,
    ...WATCH,
    'exit-code': {
      describe:
        'exit 1 unless every cluster is OK or SUSPENDED, Git and the bus answer, the newest rollouts were not aborted or taken back, and nothing is to be mended',
    },
  },
  notes: [
    `At most ${MOST_SHOWN} clusters and problems are shown; \`get clusters\` lists all.`,
    'Without --exit-code the exit code is 0 however the fleet is.',
  ],
  async run(parsed, around) {
    refuseWords(parsed);
    const selector = flagValue(parsed, 'selector') ?? null;
    const variables = { filter: { selector }, notOk: { selector, headline: NOT_OK } };
    const format = formatOf(parsed);
    const check = labelCheck(selector, around);
    const ask = async () => {
      await check();
      return around.hub.ask<Answer>(QUERY, variables, around.signal);
    };
    if (parsed.switches.has('watch')) {
      let before = '';
      await watch(async () => {
        const text = textOf(await ask(), around);
        if (text === before) return;
        around.out(around.terminal ? `\u001b[H\u001b[2J${text}` : `${before && '\n'}${text}`);
        before = text;
      }, around);
      return EXIT.yes;
    }
    const answer = await ask();
    if (format === 'json' || format === 'yaml') await printValue(objectOf(answer), format, around);
    else around.out(textOf(answer, around));
    return parsed.switches.has('exit-code') && !isWell(answer) ? EXIT.no : EXIT.yes;
  },
};

function isWell({ fleet, notOk, clusters, newest }: Answer): boolean {
  const suspended = clusters.statusCounts.find(({ headline }) => headline === 'SUSPENDED')?.count ?? 0;
  const isKnown = fleet.git.ok && fleet.bus.ok;
  const isCalm = fleet.problems.totalCount === 0 && stoppedOf(newest).length === 0;
  return isKnown && isCalm && notOk.totalCount === suspended;
}

/** The object that `-o json` prints. */
function objectOf({ fleet, clusters, notOk, rollouts, newest, approvals }: Answer) {
  const { problems, ...rest } = fleet;
  const stopped = stoppedOf(newest);
  return {
    fleet: rest,
    clusterCount: clusters.totalCount,
    statusCounts: Object.fromEntries(clusters.statusCounts.map(({ headline, count }) => [headline, count])),
    notOk: { count: notOk.totalCount, items: notOk.nodes },
    rollouts: { count: rollouts.totalCount, items: rollouts.nodes.map(rolloutItem) },
    stopped: { count: stopped.length, items: stopped },
    approvals: { count: approvals.totalCount, items: approvals.nodes.map(approvalItem) },
    problems: { count: problems.totalCount, items: problems.nodes },
  };
}

function textOf(
  { fleet, clusters, notOk, rollouts, newest, approvals }: Answer,
  around: Surroundings,
): string {
  const { color } = around;
  const now = around.now();
  const { head } = fleet;
  const commit = head
    ? `${fleet.branch}@${head.shortOid} "${head.headline}" by ${head.author.name}, ${age(head.committedAt, now)} ago`
    : 'not indexed yet';
  const counts = clusters.statusCounts.map(({ headline, count }) => {
    const cell = headlineCell(headline);
    return typeof cell === 'string' ? cell : paint(`${count} ${cell.text}`, cell.color, color);
  });
  const parts = [
    fleet.banners.map((banner) => bannerText(banner, around)).join(''),
    table(
      ['FLEET', 'HEAD', 'GIT', 'BUS', 'LEADER'],
      [
        [
          fleet.name ?? '-',
          commit,
          reachability(fleet.git),
          reachability(fleet.bus),
          fleet.leader ?? { text: 'none', color: 'yellow' as const },
        ],
      ],
      around,
    ),
    `${counted(clusters.totalCount, 'cluster')}${counts.length > 0 ? `: ${counts.join('   ')}` : ''}\n`,
  ];
  if (rollouts.nodes.length > 0) {
    const rows = rollouts.nodes.map(({ alias, phase, progress, startedAt, waitingFor }) => [
      alias,
      wordCell(phase),
      farText(progress),
      age(startedAt, now),
      waitingFor.join('; ') || '-',
    ]);
    parts.push(table(['UNDER WAY', 'PHASE', 'CLUSTERS', 'AGE', 'WAITING FOR'], rows, around));
    parts.push(more(rollouts.totalCount - rollouts.nodes.length, 'rollout'));
  }
  parts.push(stoppedText(stoppedOf(newest), now, around));
  if (notOk.nodes.length > 0) {
    const rows = notOk.nodes.map(({ name, status }) => [
      name,
      headlineCell(status.headline),
      age(status.since, now),
      age(status.observedAt, now),
      status.reason ?? '-',
    ]);
    parts.push(table(['NOT OK', 'STATUS', 'SINCE', 'SEEN', 'REASON'], rows, around));
    parts.push(more(notOk.totalCount - notOk.nodes.length, 'cluster'));
  }
  for (const approval of approvals.nodes) parts.push(waitingText(approval, around));
  if (approvals.nodes.length > 0) parts.push(more(approvals.totalCount - approvals.nodes.length, 'approval'));
  const { problems } = fleet;
  const toMend = problems.nodes.filter(({ code }) => code !== HELD);
  if (toMend.length > 0) {
    const rows = toMend.map(({ severity, code, cluster, since, message }) => [
      severity === 'ERROR'
        ? { text: `✖ ${code}`, color: 'red' as const }
        : { text: `▲ ${code}`, color: 'yellow' as const },
      cluster?.name ?? '-',
      age(since, now),
      message,
    ]);
    parts.push(table(['TO BE MENDED', 'CLUSTER', 'SEEN', 'WHAT'], rows, around));
    parts.push(more(problems.totalCount - problems.nodes.length, 'problem'));
  }
  if (fleet.unknownAgents > 0) {
    const agents = counted(fleet.unknownAgents, 'agent speaks', 'agents speak');
    parts.push(`${agents} without an entry in the fleet repo\n`);
  }
  return parts.filter((part) => part !== '').join('\n');
}

/** On lines of its own: what is to be committed is copied from here. */
function waitingText(approval: ApprovalNode, around: Surroundings) {
  const { placement, requestedAt, reason, state } = approval;
  const over = state === 'EXPIRED' ? ', its approval has expired' : '';
  const head = `○ WAITS FOR APPROVAL   ${harmless(placement.name)}, for ${age(requestedAt, around.now())}${over}`;
  const lines = [paint(head, 'blue', around.color), `  ${harmless(reason)}`];
  return `${[...lines, `  to approve, ${harmless(howText(approval))}`].join('\n')}\n`;
}

/** Above everything else. */
function bannerText({ kind, message, by, reason, expiresAt }: Banner, { color, now }: Surroundings): string {
  const [glyph] = lookOf('BLOCKED');
  const who = by === null ? '' : ` by ${by}`;
  const why = reason === null ? '' : `: ${reason}`;
  const until = expiresAt === null ? '' : ` (${span(Date.parse(expiresAt) - now())} to go)`;
  return `${paint(`${glyph} ${kind}`, 'yellow', color)}   ${harmless(`${message}${who || why ? `,${who}${why}` : ''}${until}`)}\n`;
}

const more = (count: number, what: string) => (count > 0 ? `… and ${counted(count, `more ${what}`)}\n` : '');

/** Why not stands among the problems, where there is room for it. */
const reachability = ({ ok }: Reachability) =>
  ok ? { text: '● ok', color: 'green' as const } : { text: '✖ failing', color: 'red' as const };
