import { harmless, table } from '../output/table.ts';
import { age } from '../output/words.ts';
import { farText, wordCell } from './looks.ts';
import { PROGRESS, type Progress } from './nouns.ts';

const MOST_PLACEMENTS = 100;
/** The newest rollout of each placement, to be asked for beside other things. */
export const NEWEST = `placements(first: ${MOST_PLACEMENTS}) { nodes {
  rollouts(first: 1) { nodes { alias phase reason finishedAt ${PROGRESS} } } } }`;
export type Newest = { nodes: { rollouts: { nodes: Stopped[] } }[] };
export type Stopped = {
  alias: string;
  phase: string;
  reason: string | null;
  finishedAt: string | null;
  progress: Progress;
};

const WITHOUT_ARRIVING = ['ABORTED', 'ROLLED_BACK', 'FAILED'];
export const hasStopped = ({ phase }: { readonly phase: string }): boolean =>
  WITHOUT_ARRIVING.includes(phase);
/** What a person can do about one. */
export const waysOn = (alias: string): string =>
  `a newer commit goes on, or \`flotilla rollout retry ${harmless(alias)}\`\n`;

/** Rollouts that are over without having come everywhere, and that nothing newer follows: what Git says is not what runs. */
export const stoppedOf = ({ nodes }: Newest): Stopped[] =>
  nodes.flatMap(({ rollouts }) => rollouts.nodes).filter(hasStopped);

export function stoppedText(
  stopped: readonly Stopped[],
  now: number,
  around: { readonly color: boolean },
): string {
  if (stopped.length === 0) return '';
  const rows = stopped.map(({ alias, phase, reason, finishedAt, progress }) => [
    alias,
    wordCell(phase),
    farText(progress),
    age(finishedAt, now),
    reason ?? '-',
  ]);
  const [first] = stopped;
  const head = ['DID NOT ARRIVE', 'PHASE', 'CLUSTERS', 'ENDED', 'WHY'];
  return `${table(head, rows, around)}${waysOn(stopped.length === 1 ? first!.alias : 'NAME')}`;
}
