import { harmless, paint } from '../../output/table.ts';
import { counted } from '../../output/words.ts';
import type { DocumentChange } from './documents.ts';
import { type Change, isEmpty, type PlacementPlan, type Plan } from './plan.ts';
import type { StageMove } from './stage-moves.ts';

const MOST_NAMED = 8;

/** A plan for people: what changes by placement and stage, and why; then what does not. */
export function planText(plan: Plan, color: boolean): string {
  const { from, to, clusters, documents, placements } = plan;
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
  blocks.push(...documents.map((one) => documentText(one, color)));
  const moving = placements.filter(isMoving);
  blocks.push(...moving.map((one) => placementText(one, color)));
  const still = placements.filter((one) => !isMoving(one));
  if (still.length > 0)
    blocks.push(
      `${isEmpty(plan) && moving.length === 0 ? 'nothing changes' : 'unchanged'}: ${still.map(stillText).join(', ')}\n`,
    );
  return blocks.join('\n');
}

const isMoving = (plan: PlacementPlan) => {
  const { document, policy, changed, joined, left, moved, held, warnings } = plan;
  const lists = [policy, changed, joined, left, moved, held, warnings];
  const isOther = document === 'invalid' || plan.strategy !== plan.strategyBefore;
  return isOther || lists.some(({ length }) => length > 0);
};

const NOW = 'in force as soon as it is the head';
const WHEN: Readonly<Record<DocumentChange['kind'], string>> = {
  Fleet: 'what it changes of placements is told there',
  RolloutStrategy: `${NOW}, also for what is under way`,
  Access: NOW,
  Values: 'where it changes what a cluster is given, that travels the stages',
};

function documentText({ kind, name, file, change, why, placements }: DocumentChange, color: boolean): string {
  const title = kind === 'Fleet' ? 'flotilla.yaml' : `${kind} ${name}`;
  const uses =
    placements === undefined ? [] : [`of ${placements.length > 0 ? names(placements) : 'no placement'}`];
  const head = `${paint(harmless(title), 'blue', color)} (${[change, ...uses].join(', ')})`;
  if (change === 'invalid')
    return `${head}\n  ${harmless(file)} is not valid, or gone while something needs it: it stays as it was\n`;
  return `${[`${head}: ${WHEN[kind]}`, ...why.map((words) => `  ${harmless(words)}`)].join('\n')}\n`;
}

const stillText = ({ placement, unchanged }: PlacementPlan) =>
  `${harmless(placement)} (${counted(unchanged, 'cluster')})`;

function placementText(plan: PlacementPlan, color: boolean): string {
  const { placement, document, changed, joined, left, held, unchanged, unmatched, warnings } = plan;
  const { strategy, strategyBefore } = plan;
  const about = [
    ...(document === 'added' || document === 'removed' ? [document] : []),
    ...(strategy === null ? [] : [`strategy ${harmless(strategy)}`]),
    ...(strategy === strategyBefore
      ? []
      : [`until now ${strategyBefore === null ? 'without one: all at once' : harmless(strategyBefore)}`]),
  ];
  const lines = [
    `${paint(`placement ${harmless(placement)}`, 'blue', color)}${about.length > 0 ? ` (${about.join(', ')})` : ''}`,
  ];
  if (document === 'invalid') lines.push('  is not valid: everything of it stays as it is');
  lines.push(...plan.policy.map((one) => `  policy    ${harmless(one)}`));
  for (const [, some] of Map.groupBy(plan.moved, ({ from, to }) => JSON.stringify([from, to]))) {
    const [{ from, to }] = some as [StageMove];
    const said = names(some.map(({ cluster }) => cluster));
    lines.push(`  moves     ${said}: ${harmless(`${stageText(from)} → ${stageText(to)}`)}`);
  }
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

const stageText = (stage: string | null) => (stage === null ? 'no stage' : `stage ${stage}`);

/** Changes by stage, and in it by reason. */
function byStage(verb: string, changes: readonly Change[]): string[] {
  return [...Map.groupBy(changes, ({ stage }) => stage)].flatMap(([stage, some]) => [
    `  ${verb.padEnd(9)} ${counted(some.length, 'cluster')} in ${harmless(stageText(stage))}`,
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
