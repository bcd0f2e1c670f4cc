import { harmless, paint } from '../../output/table.ts';
import { counted } from '../../output/words.ts';
import type { FleetDiff, PlacementDiff } from './differ.ts';
import type { Group } from './fold.ts';
import type { ObjectDiff } from './objects.ts';

const MOST_NAMED = 5;

/** A difference for people, in the terminal. */
export function diffText({ from, to, placements, conflicts }: FleetDiff, color: boolean): string {
  const blocks = [`${harmless(from.name)} → ${harmless(to.name)}\n`];
  for (const one of placements) {
    const lines = [`${paint(`placement ${harmless(one.placement)}`, 'blue', color)}: ${headline(one)}`];
    for (const group of one.groups) {
      lines.push(`  ${groupLine(group)}`);
      for (const object of group.objects) {
        lines.push(`    ${objectLine(object)}`);
        lines.push(...object.lines.map((line) => `    ${colored(harmless(line), color)}`));
      }
    }
    lines.push(...failures(one).map((line) => `  ${paint('fails', 'red', color)} ${line}`));
    blocks.push(`${lines.join('\n')}\n`);
  }
  if (placements.length === 0) blocks.push('nothing changes\n');
  for (const conflict of conflicts) blocks.push(`${paint('conflict', 'red', color)} ${harmless(conflict)}\n`);
  return blocks.join('\n');
}

/** "the same 3-line change on 412 clusters; 7 differ" */
export function headline({ groups, same, unchanged, failed }: PlacementDiff): string {
  const [largest, ...others] = groups;
  const rest = others.reduce((sum, { clusters }) => sum + clusters.length, 0);
  const parts: string[] = [];
  if (largest) {
    const alike = largest.clusters.length > 1 ? 'the same' : 'a';
    const what = largest.changes > 0 ? `${alike} ${largest.changes}-line change` : actionsOf(largest);
    parts.push(`${what} on ${counted(largest.clusters.length, 'cluster')}`);
  }
  if (rest > 0) parts.push(`${rest} ${rest === 1 ? 'differs' : 'differ'}`);
  if (same.length > 0)
    parts.push(
      `${counted(same.length, 'cluster')} ${same.length === 1 ? 'renders' : 'render'} the same as before`,
    );
  const mended = failed.filter(({ side }) => side === 'from').length;
  if (mended > 0) parts.push(`${counted(mended, 'cluster')} could not be rendered before`);
  if (unchanged > 0) parts.push(`${unchanged} unchanged`);
  return parts.join('; ') || 'nothing that renders';
}

export function groupLine(group: Group): string {
  const lines = group.changes > 0 ? `, ${counted(group.changes, 'line')}` : '';
  return `${namesOf(group.clusters)}: ${actionsOf(group)}${lines}`;
}

/** "1 object configured, 2 pruned" */
function actionsOf({ objects }: Group): string {
  const counts = [...Map.groupBy(objects, ({ action }) => action)];
  return counts
    .map(([action, some], index) => `${index === 0 ? counted(some.length, 'object') : some.length} ${action}`)
    .join(', ');
}

export const objectLine = ({ action, object }: ObjectDiff): string => `${action} ${harmless(object)}`;

/** What does not render, the same message once. */
export function failures({ failed }: PlacementDiff): string[] {
  const byMessage = Map.groupBy(
    failed,
    ({ message, side }) => `${side === 'from' ? 'before: ' : ''}${message}`,
  );
  return [...byMessage].map(
    ([message, some]) => `${namesOf(some.map(({ cluster }) => cluster))}: ${harmless(message)}`,
  );
}

function namesOf(clusters: readonly string[]): string {
  const more = clusters.length - MOST_NAMED;
  const shown = clusters.slice(0, MOST_NAMED).map(harmless).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function colored(line: string, color: boolean): string {
  if (line.startsWith('+')) return paint(line, 'green', color);
  if (line.startsWith('-')) return paint(line, 'red', color);
  return line === '@@' ? paint(line, 'grey', color) : line;
}
