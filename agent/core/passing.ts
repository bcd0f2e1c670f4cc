import type { FaultCode } from '#proto/faults.ts';

/** Faults that are expected to go away by themselves, without a commit and without a person. */
const PASSING = new Set<FaultCode>([
  'git-unreachable',
  'git-timeout',
  'git-protocol',
  'git-store-failed',
  'kube-unreachable',
  'kube-failed',
  'nats-unreachable',
  'lease-held',
  'neighbour-unknown',
]);

export const isPassing = (code: FaultCode): boolean => PASSING.has(code);
