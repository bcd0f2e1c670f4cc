import { harmless, paint, table } from '../output/table.ts';
import { age } from '../output/words.ts';
import { countsText, farText, gateLegend, gateText, lookOf, span, wordCell } from './looks.ts';
import type { RolloutNode, StageNode, TargetNode } from './nouns.ts';
import { hasStopped, waysOn } from './stopped.ts';

type Around = { readonly color: boolean };

/** Everything of one rollout on one screen: stages with gates, what is waited for, and the clusters that are not where they should be. */
export function rolloutText(
  rollout: RolloutNode,
  troubled: { readonly nodes: readonly TargetNode[]; readonly totalCount: number },
  now: number,
  around: Around,
): string {
  const rows = rollout.stages.map((stage) => [
    stage.name,
    wordCell(stage.phase),
    countsText(stage.progress),
    timeText(stage, now),
    stage.gates.map((gate) => gateText(gate, now, span)).join('   ') || '-',
  ]);
  const parts = [
    headText(rollout, now, around),
    `${table(['STAGE', 'PHASE', 'CLUSTERS', 'WHEN', 'GATES'], rows, around)}${gateLegend(rollout.stages.flatMap(({ gates }) => gates))}`,
  ];
  const waits = rollout.waitingFor.map((words) => `  ${harmless(words)}\n`).join('');
  if (waits) parts.push(`waiting for\n${waits}`);
  if (troubled.nodes.length > 0) {
    const clusters = troubled.nodes.map(({ name, stage, state, startedAt, finishedAt, message }) => [
      name,
      stage,
      wordCell(state),
      age(finishedAt ?? startedAt, now),
      message ?? '-',
    ]);
    parts.push(table(['NOT THERE', 'STAGE', 'STATE', 'SINCE', 'WHY'], clusters, around));
    const more = troubled.totalCount - troubled.nodes.length;
    if (more > 0) parts.push(`… and ${more} more\n`);
  }
  if (hasStopped(rollout)) parts.push(waysOn(rollout.alias));
  return parts.join('\n');
}

/** Two lines: what it is, and how far. */
export function headText(rollout: RolloutNode, now: number, { color }: Around): string {
  const { alias, version, phase, reason, progress, startedAt, finishedAt, pausedUntil, eta, previous } =
    rollout;
  const commit = version.commit ? ` "${version.commit.headline}" by ${version.commit.author.name}` : '';
  const [glyph, tint] = lookOf(phase);
  const why = reason === null ? '' : `: ${reason}`;
  const far = [
    // Of what has stopped, those that it did not come to are not counted: a share of the rest would look like success.
    `${farText(progress)} clusters${hasStopped(rollout) ? '' : ` (${progress.percent}%)`}`,
    startedAt === null ? '' : `started ${span(now - Date.parse(startedAt))} ago`,
    finishedAt === null ? '' : `ended ${span(now - Date.parse(finishedAt))} ago`,
    pausedUntil === null ? '' : `the pause ends in ${span(Date.parse(pausedUntil) - now)}`,
    eta === null ? '' : `about ${span(Date.parse(eta) - now)} to go`,
    previous === null ? '' : `after ${previous.oid.slice(0, 7)}`,
  ].filter((part) => part !== '');
  return `${harmless(`${alias}${commit}`)}\n${paint(`${glyph} ${phase}`, tint, color)}${harmless(why)} · ${far.join(' · ')}\n`;
}

export function timeText({ startedAt, passedAt }: StageNode, now: number): string {
  if (passedAt !== null) return `passed ${span(now - Date.parse(passedAt))} ago`;
  return startedAt === null ? '-' : `for ${span(now - Date.parse(startedAt))}`;
}
