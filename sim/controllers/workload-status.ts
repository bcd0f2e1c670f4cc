import type { JsonObject } from '../json.ts';
import { numberAt } from '../json.ts';

/** How far a rollout has come: seen by the controller, done, or given up. */
export type Phase = 'started' | 'ready' | 'failed';

/** Computes a status; `undefined` leaves the object as it is. `now` is RFC 3339. */
export type StatusOf = (
  object: JsonObject,
  phase: Phase,
  now: string,
  isNewRevision: boolean,
) => JsonObject | undefined;

export function replicasOf(object: JsonObject): number {
  return numberAt(object, 'spec', 'replicas') ?? 1;
}

/** The generation a status says it has seen. */
export function observed(object: JsonObject): JsonObject {
  const generation = numberAt(object, 'metadata', 'generation');
  return generation === undefined ? {} : { observedGeneration: generation };
}
