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
  expedite: 'expedited',
};

/**
 * The events that an entry of the audit stands for, so that a hub that begins knows what rollouts it has missed or forgotten; undefined
 * where it is about none. Of single clusters the audit has only how many were left in which state.
 */
export function recollect(row: AuditRow): Told | undefined {
  const { kind, action, at, placement, stage, gate, revision, by, reason, counts, result } = row;
  if (placement === undefined) return undefined;
  const what =
    kind === 'rollout'
      ? known(action)
      : kind === 'operation' && result !== undefined && !result.startsWith('refused')
        ? DONE[action]
        : undefined;
  if (what === undefined) return undefined;
  return {
    what,
    at,
    placement,
    ...(stage !== undefined && { stage }),
    ...(gate !== undefined && { gate }),
    ...(revision !== undefined && { revision }),
    ...(by !== undefined && { by }),
    ...(reason !== undefined && { reason }),
    ...(counts !== undefined && { counts }),
  };
}

const known = (action: string): What | undefined => WHATS.find((what) => what === action);
