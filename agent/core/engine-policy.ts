import type { Policy } from '#proto/assignment.ts';
import { DEFAULT_POLICY, type Policy as EnginePolicy } from '../engine/ports.ts';

/** How a placement is applied now: its policy at the newest head, what is staged (prune), and what stops or allows writing. */
export type PolicyFacts = {
  /** Undefined where it was never read: the defaults, which delete nothing that a person would miss. */
  policy: Policy | undefined;
  prune: boolean;
  approvals: readonly string[];
  hold: boolean;
  observe: boolean;
};

export function enginePolicy({ policy, prune, approvals, hold, observe }: PolicyFacts): EnginePolicy {
  const common = { prune, approvals, hold, observe };
  if (!policy) return { ...DEFAULT_POLICY, ...common };
  return {
    ...common,
    mode: policy.drift.mode,
    extras: policy.drift.extras,
    ignore: policy.drift.ignore ?? [],
    controllers: policy.drift.controllers,
    maxPrune: policy.guards.maxPrune,
    adopt: policy.adopt,
    atomic: policy.apply === 'atomic',
    requireAddress: policy.health.requireAddress,
    serviceAccount: policy.serviceAccount,
  };
}
