import type { Phase } from './phase.ts';
import type { Skip, Whom } from './state.ts';

/** Who asks, and why; `expectedPhase` guards against deciding about something that has moved on meanwhile. */
export type Order = {
  readonly by: string;
  readonly reason?: string;
  readonly expectedPhase?: Phase;
  /** The version that is meant; the newest one that is under way where none is named. */
  readonly version?: string;
};
export type Command = Order &
  (
    | { readonly kind: 'pause'; readonly until?: number }
    | { readonly kind: 'resume' }
    | {
        readonly kind: 'approve' | 'deny';
        readonly stage: string;
        readonly groups: readonly string[];
        /** Under which whoever asks commits, besides the name: for gates with `notAuthor`. */
        readonly emails?: readonly string[];
      }
    | { readonly kind: 'retry' }
    | { readonly kind: 'abort' }
    | { readonly kind: 'rollback' }
    | { readonly kind: 'expedite'; readonly stages: readonly string[]; readonly skips?: readonly Skip[] }
    | { readonly kind: 'pin'; readonly whom: Whom; readonly revision: string; readonly until?: number }
    | { readonly kind: 'unpin'; readonly whom: Whom }
  );

const REFUSALS = [
  'unknown-placement',
  'unknown-stage',
  'unknown-version',
  'unknown-cluster',
  'wrong-phase',
  'finished',
  'nothing-waits',
  'not-in-group',
  'own-commit',
  'already-approved',
  'nothing-paused',
  'already-paused',
  'nothing-to-do',
  'rejected',
  'expired',
] as const;
export type RefusalCode = (typeof REFUSALS)[number];
export type Refused = { readonly refused: { readonly code: RefusalCode; readonly message: string } };

export const refuse = (code: RefusalCode, message: string): Refused => ({ refused: { code, message } });

/** For what is written down of an order. */
export const who = ({ by, reason }: Order) => ({ by, ...(reason !== undefined && { reason }) });
