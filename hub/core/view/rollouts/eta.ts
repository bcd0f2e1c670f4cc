import { milliseconds } from '#proto/documents/common.ts';
import { gatesOf } from './gates.ts';
import { type Clock, isOver, type LineView, standingOf } from './line-view.ts';
import { targetsOf } from './targets.ts';

/** Clusters that have to have become Current before their pace says something. */
const LEAST_SEEN = 3;

/**
 * When a rollout would succeed at the pace so far: Unix milliseconds. Undefined wherever that would be a guess about people, clocks or
 * clusters that are away: a pause, an approval, a webhook or a window still to come, something failed, offline, blocked or frozen, or
 * fewer than three clusters to judge by.
 */
export function etaOf(view: LineView, version: string, clock: Clock): number | undefined {
  const { line, facts, draft } = view;
  if (isOver(view.phase(version)) || line.bus || line.pauses.length > 0 || line.rollback) return undefined;
  if (facts.strategy.windows.length > 0) return undefined;
  const all = line.stages.map((stage) => ({ stage, rows: targetsOf(view, version, stage) }));
  const bad = all.some(({ rows }) =>
    rows.some(
      ({ state, cluster }) =>
        ['Failed', 'Offline', 'Blocked'].includes(state) ||
        (state === 'Waiting' && facts.frozenBy(cluster) !== undefined),
    ),
  );
  if (bad) return undefined;
  const took = all
    .flatMap(({ rows }) => rows)
    .flatMap(({ state, startedAt, finishedAt }) =>
      state === 'Current' && startedAt !== undefined && finishedAt !== undefined
        ? [finishedAt - startedAt]
        : [],
    )
    .sort((a, b) => a - b);
  const remains = all.some(({ rows }) => rows.some(({ state }) => isToDo(state)));
  if (remains && took.length < LEAST_SEEN) return undefined;
  const typical = took[Math.floor(took.length / 2)] ?? 0;

  let at = clock.now;
  for (const { stage, rows } of all) {
    const standing = standingOf(view, stage, version);
    if (standing === 'gone' || standing === 'passed') continue;
    const toDo = rows.filter(({ state }) => isToDo(state)).length;
    const isEmpty = rows.every(({ state }) => state === 'Unchanged');
    at += Math.ceil(toDo / draft.maxConcurrent(stage.name)) * typical;
    if (isEmpty && standing === 'ahead') continue;
    for (const gate of gatesOf(view, version, stage, clock)) {
      if (gate.state === 'OPEN' || gate.state === 'SKIPPED') continue;
      if (gate.kind !== 'SOAK') return undefined;
      at = gate.opensAt === undefined ? at + soakMs(view, stage.name, gate.key) : Math.max(at, gate.opensAt);
    }
  }
  return at;
}

const isToDo = (state: string): boolean =>
  state === 'Waiting' || state === 'Applying' || state === 'Verifying';

function soakMs({ facts }: LineView, stage: string, key: string): number {
  const spec = facts.strategy.stages.find(({ name }) => name === stage);
  const soak = spec?.after[Number(key.split('/')[1])]?.soak;
  return soak === undefined ? 0 : milliseconds(soak);
}
