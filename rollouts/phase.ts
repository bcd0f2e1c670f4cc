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
  if (at >= 0) return workPhase(line, strategy, at);
  if (line.stages.at(-1)?.passed.includes(version)) return 'Succeeded';
  const next = line.stages.find(({ passed }) => !passed.includes(version));
  const order = versions.order(version);
  const isOvertaken = [next?.work?.version, next?.passed.at(-1)].some((one) => versions.order(one) > order);
  if (isOvertaken) return 'Superseded';
  return line.stages.some(({ passed }) => passed.includes(version)) ? 'Running' : 'Pending';
}

/** How far the stage at a place of the line is with what it works on. */
export function workPhase(line: Line, strategy: Strategy, at: number): Phase {
  const order = new Map(line.stages.map(({ name }, index) => [name, index]));
  const isOver = (name: string | undefined) => name === undefined || (order.get(name) ?? 0) <= at;
  if (line.bus || line.pauses.some((one) => isOver(one.stage))) return 'Paused';
  return gatePhase(strategy, line.stages[at]!) ?? 'Running';
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
