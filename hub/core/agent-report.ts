import type { Status } from '#proto/messages.ts';
import type { AgentReport } from './types.ts';

/**
 * What a status says of its attempt. What awaits approval counts as done: everything else was applied. An agent that is held, suspended
 * or waits for something else has echoed the attempt and is not through with it.
 */
export function agentReport({ attempt, attempted, applied, sync, health, removed }: Status): AgentReport {
  const made = {
    attempt,
    ...(applied && { digest: applied.digest, applied }),
    ...(attempted && { attempted }),
  };
  const because = (reason: string | undefined) => (reason === undefined ? {} : { message: reason });
  if (removed) return { ...made, phase: 'removed' };
  switch (sync.state) {
    case 'FAILED':
      return { ...made, phase: 'failed', ...because(sync.reason) };
    case 'AWAITING_APPROVAL':
    case 'SYNCED': {
      const heldBack =
        sync.state === 'SYNCED' ? {} : { heldBack: sync.reason ?? 'a deletion awaits approval' };
      if (health.state === 'FAILED')
        return { ...made, ...heldBack, phase: 'failed', ...because(health.reason) };
      if (health.state === 'CURRENT') return { ...made, ...heldBack, phase: 'current' };
      return { ...made, ...heldBack, phase: 'verifying', ...because(health.reason) };
    }
    case 'APPLYING':
    case 'PENDING':
    case 'SUSPENDED':
    case 'HELD':
    case 'UNKNOWN':
      return { ...made, phase: 'applying', ...because(sync.reason) };
    default:
      sync.state satisfies never;
      return { ...made, phase: 'applying' };
  }
}
