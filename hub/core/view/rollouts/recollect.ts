import { WHATS, type What } from '#rollouts/events.ts';
import type { AuditRow } from '../../audit-reader.ts';
import type { Told } from './memory.ts';

/** What a person orders, as the machine says that it was done. What else follows from it is told by the machine itself. */
const DONE: Readonly<Record<string, What>> = {
  pause: 'paused',
  resume: 'resumed',
  approve: 'approved',
  deny: 'denied',
  retry: 'retried',
  abort: 'aborted',
  rollback: 'rollbackStarted',
  expedite: 'expedited',
};

/**
 * The events that an entry of the audit stands for, so that a hub that begins knows what rollouts it has missed or forgotten; none
 * where it is about none. Of single clusters the audit has only how many were left in which state.
 */
export function recollect(row: AuditRow): Told[] {
  const { kind, action, at, placement, gate, revision, by, reason, counts, skips, result } = row;
  if (placement === undefined) return [];
  const what =
    kind === 'rollout'
      ? known(action)
      : kind === 'operation' && result !== undefined && !result.startsWith('refused')
        ? DONE[action]
        : undefined;
  if (what === undefined) return [];
  // An order may name several stages.
  const stages = row.stage?.split(',') ?? [undefined];
  return stages.map((stage) => ({
    what,
    at,
    placement,
    ...(stage !== undefined && { stage }),
    ...(gate !== undefined && { gate }),
    ...(revision !== undefined && { revision }),
    ...(by !== undefined && { by }),
    ...(reason !== undefined && { reason }),
    ...(counts !== undefined && { counts }),
    ...(skips !== undefined && { skips }),
  }));
}

const known = (action: string): What | undefined => WHATS.find((what) => what === action);
