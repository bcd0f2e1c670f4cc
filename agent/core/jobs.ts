import { isCondition } from './conditions.ts';
import { type KubeObject, numberAt } from './object.ts';

const isJob = ({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): boolean =>
  apiVersion === 'batch/v1' && kind === 'Job';

/** A live Job that has run to its end. */
export const hasCompleted = (live: KubeObject): boolean => isJob(live) && isCondition(live, 'Complete');

/** A Job that Git lets Kubernetes remove after its end: its absence may mean that it has done its work. */
export const mayVanish = (desired: KubeObject): boolean =>
  isJob(desired) && numberAt(desired, 'spec', 'ttlSecondsAfterFinished') !== undefined;

/** `reason` of the event by which the Job controller says that a Job completed; it outlives a TTL of nothing. */
export const COMPLETED = 'Completed';
