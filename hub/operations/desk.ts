import type { Permission } from '#proto/documents/access.ts';
import { FlotillaError } from '#proto/faults.ts';
import type { FleetCommand } from '#rollouts/fleet-commands.ts';
import type { RefusalCode, Refused } from '#rollouts/order.ts';
import type { Phase } from '#rollouts/phase.ts';
import { rulesOf, type Touched, whyNot } from '../access/judge.ts';
import type { Viewer } from '../access/viewer.ts';
import {
  Declined,
  type Denied,
  type Fault,
  type Known,
  notFound,
  type Operations,
  type Outcome,
} from './types.ts';

/** An order waits so long for the hub to carry it out. */
const MOST_WAIT_MS = 10_000;

/** Where orders are taken: who may, on what, and what the answer is. One for each viewer and request. */
export class Desk {
  readonly viewer: Viewer | undefined;
  readonly known: Known;
  readonly #operations: Operations;
  readonly #closing: AbortSignal;

  constructor(viewer: Viewer | undefined, known: Known, operations: Operations, closing: AbortSignal) {
    this.viewer = viewer;
    this.known = known;
    this.#operations = operations;
    this.#closing = closing;
  }

  /** Carries something out; what is declined on the way is the answer. */
  async answer<T>(act: (viewer: Viewer) => Promise<T>): Promise<Outcome<T>> {
    try {
      return { done: await act(this.#whoAsks()), faults: [] };
    } catch (error) {
      if (error instanceof Declined) return { faults: error.faults };
      throw error;
    }
  }

  #whoAsks(): Viewer {
    if (this.viewer) return this.viewer;
    throw new Declined({
      kind: 'Forbidden',
      code: 'unauthenticated',
      requiredPermission: 'read',
      message: 'who asks is not known: orders need a token (flotilla --token-file, or FLOTILLA_TOKEN)',
    });
  }

  /** Why the viewer may not; undefined for who may. */
  whyNot(permission: Permission, touched: Touched): Fault | undefined {
    const message = whyNot(this.viewer, permission, touched, rulesOf(this.known.index?.access));
    if (message === undefined) return undefined;
    return { kind: 'Forbidden', code: 'not-permitted', requiredPermission: permission, message };
  }

  /** `command` is what the audit keeps of an order that is not permitted. @throws Declined unless the viewer may */
  async demand(permission: Permission, touched: Touched, command: FleetCommand): Promise<void> {
    const fault = this.whyNot(permission, touched);
    if (!fault) return;
    await this.denied([{ command, why: fault.message }]);
    throw new Declined(fault);
  }

  /** Leaves orders in the audit that the viewer may not give. */
  async denied(orders: readonly Denied[]): Promise<void> {
    const limit = AbortSignal.any([this.#closing, AbortSignal.timeout(MOST_WAIT_MS)]);
    await this.#operations.denied(orders, limit);
  }

  /** The placement as `demand` wants it, also while it is being removed. */
  placement(name: string): NonNullable<Touched['placement']> {
    const { index } = this.known;
    const known = index?.placements.get(name) ?? index?.retired.get(name);
    if (known) return { name, labels: known.document.metadata.labels ?? {} };
    throw notFound('unknown-placement', `there is no placement ${name}`);
  }

  clusters(names: Iterable<string>): Extract<Touched['on'], { clusters: unknown }> {
    const all = this.known.index?.clusters;
    return {
      clusters: [...names].map((name) => {
        const entry = all?.get(name)?.document.metadata;
        return { name, labels: entry && (entry.labels ?? {}) };
      }),
    };
  }

  /**
   * @throws Declined where it is refused
   * @throws FlotillaError where it cannot be saved, or is not confirmed in time
   */
  async order(
    command: FleetCommand,
    permission: Permission,
    phaseNow?: () => Phase | undefined,
  ): Promise<void> {
    const limit = AbortSignal.any([this.#closing, AbortSignal.timeout(MOST_WAIT_MS)]);
    try {
      const answer = await this.#operations.order(command, limit);
      if ('refused' in answer) throw new Declined(faultOf(answer, permission, phaseNow?.()));
    } catch (cause) {
      if (!limit.aborted || cause instanceof Declined || cause instanceof FlotillaError) throw cause;
      const message = `the order was not confirmed within ${MOST_WAIT_MS / 1_000} s: look before you repeat it`;
      throw new FlotillaError('store-failed', message, { cause });
    }
  }
}

const KINDS: Readonly<Record<RefusalCode, Fault['kind']>> = {
  'unknown-placement': 'NotFound',
  'unknown-stage': 'NotFound',
  'unknown-version': 'NotFound',
  'unknown-cluster': 'NotFound',
  'wrong-phase': 'Conflict',
  finished: 'Conflict',
  'nothing-waits': 'Conflict',
  'not-in-group': 'Forbidden',
  'own-commit': 'Forbidden',
  'already-approved': 'Conflict',
  'nothing-paused': 'Conflict',
  'already-paused': 'Conflict',
  'nothing-to-do': 'Conflict',
  rejected: 'Conflict',
  expired: 'Invalid',
};

/** What the machine refuses, as a fault of the API. */
export function faultOf({ refused }: Refused, permission: Permission, phase: Phase | undefined): Fault {
  const { code, message } = refused;
  switch (KINDS[code]) {
    case 'NotFound':
      return { kind: 'NotFound', code, message };
    case 'Forbidden':
      return { kind: 'Forbidden', code, message, requiredPermission: permission };
    case 'Invalid':
      return { kind: 'Invalid', code, message, field: 'expiresAt' };
    case 'Conflict':
      return { kind: 'Conflict', code, message, currentPhase: phase };
  }
}
