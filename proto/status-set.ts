import { hashOf } from './canonical.ts';

/**
 * Hash of the set of statuses that an agent has published: placement → `seq` of its newest status, without those that say
 * `removed`. Agent (hello, heartbeat) and hub (what it has stored) compute it alike; where they differ, the hub asks again.
 */
export function statusSetHash(newest: ReadonlyMap<string, number>): string {
  return hashOf('flotilla-status-set-v1', Object.fromEntries(newest));
}
