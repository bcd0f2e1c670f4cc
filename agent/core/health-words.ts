import type { HealthState } from '#proto/messages.ts';

/** kstatus' words. `assessed` is false where no rule and no condition tells: CURRENT then only means that it exists. */
export type Health = {
  health: HealthState;
  reason?: string;
  assessed: boolean;
  /** Its controller has not looked yet at what was written last: nobody else can tell more. */
  unseen?: true;
};

export type HealthOptions = {
  /** A LoadBalancer Service or an Ingress without address is InProgress instead of Current. */
  requireAddress?: boolean;
  /** Of the StorageClass, for a claim that is Pending: `WaitForFirstConsumer` is no defect. */
  bindingMode?: string | undefined;
  /** Unix ms; without it nothing counts as lasting. */
  now?: number;
};

export const current = (reason?: string): Health => ({
  health: 'CURRENT',
  assessed: true,
  ...(reason && { reason }),
});
export const inProgress = (reason: string): Health => ({ health: 'IN_PROGRESS', reason, assessed: true });
export const unseen = (reason: string): Health => ({ ...inProgress(reason), unseen: true });
export const failed = (reason: string): Health => ({ health: 'FAILED', reason, assessed: true });
export const terminating = (reason: string): Health => ({ health: 'TERMINATING', reason, assessed: true });
/** It exists, and nothing is known that would tell more. */
export const unassessed = (): Health => ({ health: 'CURRENT', assessed: false });
