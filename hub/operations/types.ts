import type { Permission } from '#proto/documents/access.ts';
import type { FleetEvent } from '#rollouts/advance.ts';
import type { FleetCommand } from '#rollouts/fleet-commands.ts';
import type { RefusalCode, Refused } from '#rollouts/order.ts';
import type { Phase } from '#rollouts/phase.ts';
import type { ReadModel } from '../core/view.ts';

/** Who carries out what people order. */
export interface Operations {
  /**
   * Resolves once it is carried out on saved state and saved, or refused with nothing changed.
   * @throws FlotillaError where state cannot be saved at the moment
   */
  order(
    command: FleetCommand,
    signal: AbortSignal,
  ): Promise<{ readonly events: readonly FleetEvent[] } | Refused>;
  /** Leaves in the audit what somebody ordered who may not. Never rejects: who is not permitted is told so, whatever becomes of it. */
  denied(orders: readonly Denied[], signal: AbortSignal): Promise<void>;
}

/** An order as it was given by somebody who may not give it, and why not, in words. */
export type Denied = { readonly command: FleetCommand; readonly why: string };

/** What is known of the fleet when something is ordered. */
export type Known = Pick<ReadModel, 'now' | 'index' | 'rollouts' | 'approvals'>;

/** Why an order is not carried out; nothing was changed. */
export type Fault = { readonly message: string } & (
  | {
      readonly kind: 'NotFound';
      readonly code: RefusalCode | 'unknown-rollout' | 'unknown-approval' | 'unknown-change';
    }
  | {
      readonly kind: 'Forbidden';
      readonly code: RefusalCode | 'unauthenticated' | 'not-permitted' | 'author-unknown';
      readonly requiredPermission: Permission;
    }
  | { readonly kind: 'Conflict'; readonly code: RefusalCode; readonly currentPhase?: Phase | undefined }
  | { readonly kind: 'Invalid'; readonly code: InvalidCode; readonly field: string }
);
export type InvalidCode =
  | RefusalCode
  | 'reason-invalid'
  | 'expiry-invalid'
  | 'selector-invalid'
  | 'argument-invalid'
  | 'needs-commit';

/** Ends an order on its way: thrown where it turns out, caught by the desk and nowhere else. */
export class Declined extends Error {
  readonly faults: readonly Fault[];

  constructor(...faults: readonly Fault[]) {
    super(faults.map(({ message }) => message).join('; '));
    this.faults = faults;
  }
}

type NotFoundCode = Extract<Fault, { kind: 'NotFound' }>['code'];
export const notFound = (code: NotFoundCode, message: string): Declined =>
  new Declined({ kind: 'NotFound', code, message });
export const invalid = (code: InvalidCode, field: string, message: string): Declined =>
  new Declined({ kind: 'Invalid', code, field, message });

/** What became of an order: it is done, or nothing was changed and these are the reasons; of several, what was done and why the others not. */
export type Outcome<T> = { readonly done?: T; readonly faults: readonly Fault[] };
