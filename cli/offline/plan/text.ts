import { harmless, paint } from '../../output/table.ts';
import { counted } from '../../output/words.ts';
import { type Change, isEmpty, type PlacementPlan, type Plan } from './plan.ts';

const MOST_NAMED = 8;

/** A plan for people: what changes by placement and stage, and why; then what does not. */
export function planText(plan: Plan, color: boolean): string {
  const { from, to, clusters, placements } = plan;
  const blocks = [`${harmless(from.name)} → ${harmless(to.name)}\n`];
  const treated = Map.groupBy(clusters.changed, ({ why }) => why.join('; '));
  if (clusters.added.length + clusters.removed.length + treated.size > 0)
    blocks.push(
      [
        ...(clusters.added.length > 0 ? [`clusters that are new: ${names(clusters.added)}\n`] : []),
        ...(clusters.removed.length > 0 ? [`clusters that are removed: ${names(clusters.removed)}\n`] : []),
        ...[...treated].map(
          ([why, some]) =>
            `clusters treated otherwise: ${names(some.map(({ cluster }) => cluster))}: ${harmless(why)}\n`,
        ),
      ].join(''),
    );
  const moving = placements.filter(isMoving);
  blocks.push(...moving.map((one) => placementText(one, color)));
  const still = placements.filter((one) => !isMoving(one));
  if (still.length > 0)
    blocks.push(
      `${isEmpty(plan) && moving.length === 0 ? 'nothing changes' : 'unchanged'}: ${still.map(stillText).join(', ')}\n`,
    );
  return blocks.join('\n');
}

const isMoving = ({ document, policy, changed, joined, left, held, warnings }: PlacementPlan) =>
  document === 'invalid' ||
  policy.length + changed.length + joined.length + left.length + held.length + warnings.length > 0;

const stillText = ({ placement, unchanged }: PlacementPlan) =>
  `${harmless(placement)} (${counted(unchanged, 'cluster')})`;

function placementText(plan: PlacementPlan, color: boolean): string {
  const { placement, document, changed, joined, left, held, unchanged, unmatched, warnings, strategy } = plan;
  const about = [
    ...(document === 'added' || document === 'removed' ? [document] : []),
    ...(strategy === null ? [] : [`strategy ${harmless(strategy)}`]),
  ];
  const lines = [
    `${paint(`placement ${harmless(placement)}`, 'blue', color)}${about.length > 0 ? ` (${about.join(', ')})` : ''}`,
  ];
  if (document === 'invalid') lines.push('  is not valid: everything of it stays as it is');
  lines.push(...plan.policy.map((one) => `  policy    ${harmless(one)}`));
  lines.push(...byStage('changes', changed), ...byStage('joins', joined), ...byWhy('leaves', left));
  for (const [message, some] of Map.groupBy(held, ({ message }) => message))
    lines.push(
      `  ${paint('held', 'red', color)}     ${names(some.map(({ cluster }) => cluster))}: ${harmless(message)}`,
    );
  if (unchanged > 0) lines.push(`  unchanged ${counted(unchanged, 'cluster')}`);
  for (const { why, count, clusters } of unmatched)
    lines.push(`  unmatched ${names(clusters, count)}: ${harmless(why)}`);
  for (const warning of warnings) lines.push(`  ${paint('warning', 'yellow', color)}   ${harmless(warning)}`);
  return `${lines.join('\n')}\n`;
}

/** Changes by stage, and in it by reason. */
function byStage(verb: string, changes: readonly Change[]): string[] {
  return [...Map.groupBy(changes, ({ stage }) => stage)].flatMap(([stage, some]) => [
    `  ${verb.padEnd(9)} ${counted(some.length, 'cluster')} in ${stage === null ? 'no stage' : `stage ${harmless(stage)}`}`,
    ...byWhy('', some),
  ]);
}

function byWhy(verb: string, changes: readonly Change[]): string[] {
  const groups = [...Map.groupBy(changes, ({ why }) => why.join('; '))].sort(
    ([, a], [, b]) => b.length - a.length,
  );
  const lines = groups
    .slice(0, MOST_NAMED)
    .map(
      ([why, some]) =>
        `  ${verb.padEnd(9)} ${verb === '' ? '  ' : ''}${names(some.map(({ cluster }) => cluster))}: ${harmless(why)}`,
    );
  const rest = groups.slice(MOST_NAMED).reduce((sum, [, some]) => sum + some.length, 0);
  return rest > 0
    ? [...lines, `  ${''.padEnd(9)}   ${counted(rest, 'cluster')} for other reasons (-o json)`]
    : lines;
}

function names(list: readonly string[], count = list.length): string {
  const more = count - Math.min(list.length, MOST_NAMED);
  const shown = list.slice(0, MOST_NAMED).map(harmless).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}
