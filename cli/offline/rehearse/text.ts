import type { Rehearsed, RehearsedPlacement, TimelineEvent } from '#rollouts/rehearsal/rehearse.ts';
import { type Color, harmless, paint } from '../../output/table.ts';
import { counted } from '../../output/words.ts';

const MOST_LINES = 24;
const MOST_NAMED = 4;
const BUCKETS = 40;
const BARS = ' ▁▂▃▄▅▆▇█';

const COLORS: Partial<Record<string, Color>> = {
  Succeeded: 'green',
  failed: 'red',
  degraded: 'red',
  paused: 'yellow',
  Paused: 'yellow',
  refused: 'yellow',
  RolledBack: 'yellow',
  stagePassed: 'green',
  succeeded: 'green',
};

/** A rehearsal for people: what happened when, one screen for a placement, and how many clusters were done over time. */
export function rehearsalText({ placements, endedAt }: Rehearsed, color: boolean): string {
  const moving = Object.entries(placements).filter(([, one]) => one.timeline.length > 0);
  const still = Object.entries(placements).filter(([, one]) => one.timeline.length === 0);
  const blocks = moving.map(([name, one]) => placementText(name, one, endedAt, color));
  const names = still.map(([name]) => harmless(name)).join(', ');
  if (moving.length === 0)
    blocks.push(`nothing changes for any placement${still.length > 0 ? `: ${names}` : '; there is none'}\n`);
  else if (still.length > 0) blocks.push(`unchanged: ${names}\n`);
  blocks.push(`ended after ${clock(endedAt)}\n`);
  return blocks.join('\n');
}

function placementText(name: string, placement: RehearsedPlacement, endedAt: number, color: boolean): string {
  const { outcome, clusters, waiting, timeline } = placement;
  const told = paint(outcome, COLORS[outcome] ?? 'blue', color);
  const lines = [
    `${paint(harmless(name), 'blue', color)}: ${told}, ${counted(Object.keys(clusters).length, 'cluster')}`,
  ];
  const groups = grouped(timeline.filter(({ what }) => what !== 'unchanged' && what !== 'stageTook'));
  const shown =
    groups.length <= MOST_LINES ? groups : [...groups.slice(0, MOST_LINES - 6), ...groups.slice(-5)];
  const width = Math.max(5, ...shown.map(({ at }) => clock(at).length));
  for (const [index, group] of shown.entries()) {
    if (groups.length > shown.length && index === MOST_LINES - 6)
      lines.push(`  ${' '.repeat(width)}  … ${groups.length - shown.length} more; -o json tells all`);
    lines.push(`  ${clock(group.at).padStart(width)}  ${lineOf(group, color)}`);
  }
  lines.push(...chart(placement, endedAt));
  for (const words of waiting) lines.push(`  ${paint('!', 'yellow', color)} ${harmless(words)}`);
  return `${lines.join('\n')}\n`;
}

type Group = Omit<TimelineEvent, 'cluster'> & { readonly clusters: readonly string[] };

/** What happens to several clusters of a stage at one moment is one line. */
function grouped(timeline: readonly TimelineEvent[]): Group[] {
  const groups = Map.groupBy(timeline, ({ at, stage, what, revision, reason }) =>
    JSON.stringify([at, stage, what, revision, reason]),
  );
  return [...groups.values()].map((events) => {
    const { cluster: _cluster, ...first } = events[0]!;
    return { ...first, clusters: events.flatMap(({ cluster }) => (cluster === undefined ? [] : [cluster])) };
  });
}

const WORDS: Readonly<Record<string, string>> = {
  stageStarted: 'starts',
  stagePassed: 'passed',
  gateWaiting: 'waits at its gate',
  gateOpened: 'gate opens',
  gateDenied: 'gate stays shut',
  rolledBack: 'back',
  rollbackStarted: 'rollback begins',
  rollbackEnded: 'rollback is over',
  busHeld: 'held',
  busBack: 'clusters are back',
};

function lineOf({ stage, what, revision, reason, clusters }: Group, color: boolean): string {
  const about = stage === undefined ? '' : `${harmless(stage)} `;
  const word = paint(WORDS[what] ?? what, COLORS[what] ?? 'grey', color && COLORS[what] !== undefined);
  const more = clusters.length - MOST_NAMED;
  const some = clusters.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
  const who =
    clusters.length === 0 ? '' : clusters.length === 1 ? ` ${some}` : ` ${clusters.length}: ${some}`;
  const at = revision === undefined ? '' : ` (${revision.slice(0, 7)})`;
  return `${about}${word}${harmless(who)}${at}${reason === undefined ? '' : `: ${harmless(reason)}`}`;
}

/** Clusters done over time, a row for each stage: those that became Current or were removed and stayed so. */
function chart({ stages, timeline, clusters }: RehearsedPlacement, endedAt: number): string[] {
  const names = stages.map(({ name }) => name);
  const width = Math.max(0, ...names.map((name) => name.length));
  const rows: string[] = [];
  for (const name of names) {
    const changes = timeline.filter(({ stage, cluster }) => stage === name && cluster !== undefined);
    const touched = new Set(changes.map(({ cluster }) => cluster));
    if (touched.size === 0 || endedAt === 0) continue;
    const done = new Set<string>();
    let next = 0;
    let row = '';
    for (let bucket = 1; bucket <= BUCKETS; bucket++) {
      for (; next < changes.length && changes[next]!.at <= (endedAt * bucket) / BUCKETS; next++) {
        const { what, cluster } = changes[next]!;
        if (what === 'current' || what === 'removed' || what === 'recovered') done.add(cluster!);
        else if (what === 'failed' || what === 'degraded' || what === 'rolledBack') done.delete(cluster!);
      }
      const height =
        done.size === 0 ? 0 : Math.max(1, Math.round((done.size * (BARS.length - 1)) / touched.size));
      row += BARS[height];
    }
    rows.push(`  ${name.padEnd(width)} │${row}│ ${done.size} of ${touched.size}`);
  }
  const isWorth = Object.keys(clusters).length > 0 && rows.length > 0;
  return isWorth ? [`  clusters done, 0s to ${clock(endedAt)}`, ...rows] : [];
}

/** 45s, 20m05s, 2h10m */
function clock(seconds: number): string {
  const [h, m, s] = [
    Math.floor(seconds / 3_600),
    Math.floor((seconds % 3_600) / 60),
    Math.round(seconds % 60),
  ];
  const two = (n: number) => String(n).padStart(2, '0');
  if (h > 0) return `${h}h${two(m)}m${s > 0 ? `${two(s)}s` : ''}`;
  return m > 0 ? `${m}m${two(s)}s` : `${s}s`;
}
