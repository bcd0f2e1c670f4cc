import type { Strategy } from '#proto/stages.ts';
import { gateKey } from './gates.ts';
import type { Line, Stage } from './state.ts';
import type { Versions } from './versions.ts';

/** A rollout is the view of one version of one placement along its line. */
export const PHASES = [
  'Pending',
  'Running',
  'Soaking',
  'AwaitingApproval',
  'Paused',
  'Succeeded',
  'Failed',
  'RollingBack',
  'RolledBack',
  'Superseded',
  'Aborted',
] as const;
export type Phase = (typeof PHASES)[number];

/** How far a version of a placement is. */
export function phaseOf(line: Line, strategy: Strategy, versions: Versions, version: string): Phase {
  if (line.rollback?.version === version) return 'RollingBack';
  const ended = line.ended.find((one) => one.version === version);
  if (line.pauses.some((one) => one.version === version && one.cause === 'regression')) return 'Paused';
  if (ended) return ended.how;
  if (line.aborted.includes(version)) return 'Aborted';
  const at = line.stages.findIndex(({ work }) => work?.version === version);
  const stage = line.stages[at];
  if (stage) {
    const order = new Map(line.stages.map(({ name }, index) => [name, index]));
    const isOver = (name: string | undefined) => name === undefined || (order.get(name) ?? 0) <= at;
    if (line.bus || line.pauses.some((one) => isOver(one.stage))) return 'Paused';
    return gatePhase(strategy, stage) ?? 'Running';
  }
  const order = versions.order(version);
  const isPassed = line.stages.some(({ passed }) => passed.includes(version));
  const taken = line.stages.some(({ work, passed }) =>
    [work?.version, passed.at(-1)].some((one) => versions.order(one) > order),
  );
  if (line.stages.at(-1)?.passed.includes(version)) return 'Succeeded';
  if (taken && !isPassed) return 'Superseded';
  return isPassed ? 'Running' : 'Pending';
}

function gatePhase(strategy: Strategy, { name, work }: Stage): Phase | undefined {
  const spec = strategy.stages.find((stage) => stage.name === name);
  const waits = work?.waiting ?? '';
  for (const when of ['before', 'after'] as const) {
    for (const [index, gate] of (spec?.[when] ?? []).entries()) {
      if (gate.soak !== undefined) {
        if (waits.startsWith('soaking')) return 'Soaking';
        continue;
      }
      const known = work?.gates[gateKey(when, index)];
      if (known && known.openedAt === undefined && gate.approval) return 'AwaitingApproval';
    }
  }
  return undefined;
}
